{{/* Credentials of the development stores, for the stores and their clients; empty without devStack. The password is not a secret. */}}
{{- define "leopard.devSecretData" -}}
{{- if .Values.devStack.enabled -}}
{{- $name := include "leopard.fullname" . -}}
{{- $password := .Values.devStack.password -}}
username: leopard
password: {{ $password | quote }}
database-url: {{ printf "postgresql://leopard:%s@%s-postgres:5432/leopard" $password $name | quote }}
amqp-url: {{ printf "amqp://leopard:%s@%s-rabbitmq:5672/" $password $name | quote }}
{{- end -}}
{{- end }}

{{/* One store as a StatefulSet of one pod. Parameters: root, component, image, user, ports, env, mount, probe, resources. */}}
{{- define "leopard.devStore" -}}
{{- $name := printf "%s-%s" (include "leopard.fullname" .root) .component -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "leopard.metadata" (dict "root" .root "component" .component "name" $name) | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Service
metadata:
  {{- include "leopard.metadata" (dict "root" .root "component" .component "name" $name) | nindent 2 }}
spec:
  selector:
    {{- include "leopard.selectorLabels" . | nindent 4 }}
  ports:
    {{- range $port, $number := .ports }}
    - name: {{ $port }}
      port: {{ $number }}
      targetPort: {{ $port }}
    {{- end }}
---
apiVersion: apps/v1
kind: StatefulSet
metadata:
  {{- include "leopard.metadata" (dict "root" .root "component" .component "name" $name) | nindent 2 }}
spec:
  replicas: 1
  serviceName: {{ $name | quote }}
  selector:
    matchLabels:
      {{- include "leopard.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "leopard.labels" (dict "root" .root "component" .component "labels" .root.Values.devStack.podLabels) | nindent 8 }}
      {{- $checksum := dict "checksum/secret" (include "leopard.devSecretData" .root | sha256sum) }}
      {{- with include "leopard.podAnnotations" (dict "root" .root "values" .root.Values.devStack "annotations" $checksum) | trim }}{{ . | nindent 6 }}{{ end }}
    spec:
      {{- with include "leopard.pullSecrets" .root | trim }}{{ . | nindent 6 }}{{ end }}
      serviceAccountName: {{ $name | quote }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: 60
      {{- with include "leopard.placement" .root.Values.devStack | trim }}{{ . | nindent 6 }}{{ end }}
      securityContext:
        runAsNonRoot: true
        {{- if not .root.Values.podSecurity.clusterChoosesUser }}
        runAsUser: {{ .user }}
        runAsGroup: {{ .user }}
        fsGroup: {{ .user }}
        {{- end }}
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: {{ .component }}
          image: {{ include "leopard.foreignImage" (dict "root" .root "image" .image) }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          ports:
            {{- range $port, $number := .ports }}
            - name: {{ $port }}
              containerPort: {{ $number }}
            {{- end }}
          env:
            {{- .env | nindent 12 }}
          readinessProbe:
            {{- .probe | nindent 12 }}
            periodSeconds: 5
            timeoutSeconds: 10
            failureThreshold: 6
          livenessProbe:
            tcpSocket: {port: {{ keys .ports | sortAlpha | first }}}
            initialDelaySeconds: 60
            periodSeconds: 20
          resources:
            {{- .resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            privileged: false
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            {{- if not .root.Values.podSecurity.clusterChoosesUser }}
            runAsUser: {{ .user }}
            {{- end }}
            capabilities:
              drop: [ALL]
            seccompProfile:
              type: RuntimeDefault
          volumeMounts:
            - name: data
              mountPath: {{ .mount }}
            {{- range .scratch }}
            - name: scratch
              mountPath: {{ . }}
              subPath: {{ . | trimPrefix "/" | replace "/" "-" }}
            {{- end }}
      volumes:
        - name: scratch
          emptyDir: {}
        {{- if not .root.Values.devStack.storageSize }}
        - name: data
          emptyDir: {}
        {{- end }}
  {{- with .root.Values.devStack.storageSize }}
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes: [ReadWriteOnce]
        resources:
          requests:
            storage: {{ . | quote }}
  {{- end }}
{{- end }}
