{{/* Parameters: root, component, image. */}}
{{- define "leopard.migrateSpec" -}}
backoffLimit: {{ .root.Values.migrations.backoffLimit }}
activeDeadlineSeconds: {{ .root.Values.migrations.activeDeadlineSeconds }}
template:
  metadata:
    labels:
      {{- include "leopard.labels" . | nindent 6 }}
  spec:
    {{- with include "leopard.pullSecrets" .root }}{{ . | nindent 4 }}{{ end }}
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
          {{- include "leopard.secretsEnv" .root | nindent 10 }}
        resources:
          {{- toYaml .root.Values.migrations.resources | nindent 10 }}
        securityContext:
          {{- include "leopard.securityContext" .root | nindent 10 }}
        volumeMounts:
          - name: tmp
            mountPath: /tmp
          {{- include "leopard.secretsMount" .root | nindent 10 }}
    volumes:
      - name: tmp
        emptyDir:
          sizeLimit: 64Mi
      {{- include "leopard.secretsVolume" (dict "root" .root "databaseOnly" true) | nindent 6 }}
{{- end }}
