{{/*
One service: settings, ServiceAccount, Deployment, PodDisruptionBudget.
Parameters: root; component (as in labels); name (of the objects); values (of the service);
settings (a map); common (names of the shared settings that the service has); autoscaled.
*/}}
{{- define "leopard.workload" -}}
{{- $root := .root -}}
{{- $values := .values -}}
{{- $settings := mergeOverwrite (dict) (pick $root.Values.settings "logLevel" "logFormat" "shutdownSeconds" "keepAliveSeconds" "lockTimeoutSeconds" "statementTimeoutSeconds" "databasePooling" "databasePreparedStatements") .settings -}}
{{- range .common }}{{- $settings = mergeOverwrite (pick $root.Values.settings .) $settings }}{{- end -}}
{{- $data := include "leopard.settingsData" $settings -}}
{{- $checksums := dict "checksum/settings" (sha256sum $data) -}}
{{- with include "leopard.devSecretData" $root }}{{ $_ := set $checksums "checksum/secret" (sha256sum .) }}{{ end -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "leopard.metadata" (dict "root" $root "component" .component "name" .name "annotations" $values.serviceAccountAnnotations) | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "leopard.metadata" (dict "root" $root "component" .component "name" .name) | nindent 2 }}
data:
  {{- $data | nindent 2 }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "leopard.metadata" (dict "root" $root "component" .component "name" .name) | nindent 2 }}
spec:
  {{- if not .autoscaled }}
  replicas: {{ int64 $values.replicas }}
  {{- else }}
  {{- /* without it, Kubernetes would run one pod until the autoscaler acts */}}
  {{- with lookup "apps/v1" "Deployment" $root.Release.Namespace .name }}
  replicas: {{ int64 .spec.replicas }}
  {{- end }}
  {{- end }}
  revisionHistoryLimit: 5
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "leopard.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "leopard.labels" (dict "root" $root "component" .component "labels" $values.podLabels) | nindent 8 }}
      {{- with include "leopard.podAnnotations" (dict "root" $root "values" $values "annotations" $checksums) | trim }}{{ . | nindent 6 }}{{ end }}
    spec:
      {{- with include "leopard.pullSecrets" $root | trim }}{{ . | nindent 6 }}{{ end }}
      serviceAccountName: {{ .name | quote }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ add $root.Values.preStopSleepSeconds (ceil $root.Values.settings.shutdownSeconds) 10 }}
      {{- with include "leopard.placement" $values | trim }}{{ . | nindent 6 }}{{ end }}
      securityContext:
        {{- include "leopard.podSecurityContext" $root | nindent 8 }}
      {{- if $root.Values.topologySpread }}
      topologySpreadConstraints:
        {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
        - topologyKey: {{ . }}
          maxSkew: 1
          whenUnsatisfiable: ScheduleAnyway
          matchLabelKeys: [pod-template-hash]
          labelSelector:
            matchLabels:
              {{- include "leopard.selectorLabels" $ | nindent 14 }}
        {{- end }}
      {{- end }}
      initContainers:
        - name: wait-for-schema
          image: {{ include "leopard.image" (dict "root" $root "image" $values.image) }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          command: [leopard, wait-for-schema, --wait-seconds, {{ include "leopard.text" $root.Values.migrations.waitSeconds | quote }}]
          env:
            {{- include "leopard.secretsEnv" (dict "root" $root "databaseOnly" true) | nindent 12 }}
          resources:
            {{- include "leopard.resources" $root.Values.migrations.resources | nindent 12 }}
          securityContext:
            {{- include "leopard.securityContext" $root | nindent 12 }}
          volumeMounts:
            {{- include "leopard.secretsMount" $root | nindent 12 }}
        {{- with $values.extraInitContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      containers:
        - name: {{ $values.image.name | quote }}
          image: {{ include "leopard.image" (dict "root" $root "image" $values.image) }}
          imagePullPolicy: {{ $root.Values.image.pullPolicy }}
          {{- with $values.command }}
          command: {{ toJson . }}
          {{- end }}
          ports:
            - name: http
              containerPort: 8080
          env:
            {{- include "leopard.secretsEnv" (dict "root" $root) | nindent 12 }}
            {{- with $values.extraEnv }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          envFrom:
            - configMapRef:
                name: {{ .name | quote }}
            {{- with $values.extraEnvFrom }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          # /health checks stores that all pods share: as a liveness probe it would restart all pods at once
          startupProbe:
            httpGet: {path: /livez, port: http}
            periodSeconds: 1
            failureThreshold: 60
          livenessProbe:
            httpGet: {path: /livez, port: http}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 3
          readinessProbe:
            httpGet: {path: /readyz, port: http}
            periodSeconds: 5
            timeoutSeconds: 3
            failureThreshold: 3
          lifecycle:
            preStop:
              sleep:
                seconds: {{ int64 $root.Values.preStopSleepSeconds }}
          resources:
            {{- include "leopard.resources" $values.resources | nindent 12 }}
          securityContext:
            {{- include "leopard.securityContext" $root | nindent 12 }}
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            {{- include "leopard.secretsMount" $root | nindent 12 }}
            {{- with $values.extraVolumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
        {{- with $values.extraContainers }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      volumes:
        - name: tmp
          emptyDir:
            sizeLimit: 64Mi
        {{- include "leopard.secretsVolume" (dict "root" $root "httpToken" $values.httpToken) | nindent 8 }}
        {{- with $values.extraVolumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{- if $values.pdb.enabled }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "leopard.metadata" (dict "root" $root "component" .component "name" .name) | nindent 2 }}
spec:
  maxUnavailable: {{ kindIs "string" $values.pdb.maxUnavailable | ternary (quote $values.pdb.maxUnavailable) (int64 $values.pdb.maxUnavailable) }}
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "leopard.selectorLabels" . | nindent 6 }}
{{- end }}
{{- end }}

{{/* A HorizontalPodAutoscaler by CPU. Parameters: root, component, name, autoscaling. */}}
{{- define "leopard.hpa" -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "leopard.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ .name | quote }}
  minReplicas: {{ int64 .autoscaling.minReplicas }}
  maxReplicas: {{ int64 .autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ int64 .autoscaling.cpuUtilization }}
  behavior:
    scaleDown:
      stabilizationWindowSeconds: 300
{{- end }}
