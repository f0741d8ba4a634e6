{{/* Takes root, component, image. */}}
{{- define "leopard.migrateSpec" -}}
backoffLimit: {{ .root.Values.migrations.backoffLimit }}
activeDeadlineSeconds: {{ .root.Values.migrations.activeDeadlineSeconds }}
template:
  metadata:
    labels:
      {{- include "leopard.labels" . | nindent 6 }}
  spec:
    {{- include "leopard.pullSecrets" .root | nindent 4 }}
    restartPolicy: Never
    serviceAccountName: {{ include "leopard.fullname" .root }}-migrate
    automountServiceAccountToken: false
    enableServiceLinks: false
    securityContext:
      {{- include "leopard.podSecurityContext" .root | nindent 6 }}
    containers:
      - name: migrate
        image: {{ .image }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        command: [leopard, migrate, --wait-seconds, {{ .root.Values.migrations.waitSeconds | toString | quote }}]
        env:
          {{- include "leopard.databaseEnv" .root | nindent 10 }}
        resources:
          {{- toYaml .root.Values.migrations.resources | nindent 10 }}
        securityContext:
          {{- include "leopard.securityContext" .root | nindent 10 }}
        volumeMounts:
          - name: tmp
            mountPath: /tmp
    volumes:
      - name: tmp
        emptyDir:
          sizeLimit: 64Mi
{{- end }}
