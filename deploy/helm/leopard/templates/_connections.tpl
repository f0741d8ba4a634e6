{{- define "leopard.database.secret" -}}
{{- if .Values.devStack.enabled -}}
{{- printf "%s-dev" (include "leopard.fullname" .) -}}
{{- else if .Values.operators.cnpg.enabled -}}
{{- printf "%s-postgres-app" (include "leopard.fullname" .) -}}
{{- else -}}
{{- .Values.database.existingSecret.name -}}
{{- end -}}
{{- end }}

{{- define "leopard.database.key" -}}
{{- if .Values.devStack.enabled -}}database-url
{{- else if .Values.operators.cnpg.enabled -}}uri
{{- else -}}{{ .Values.database.existingSecret.key }}
{{- end -}}
{{- end }}

{{- define "leopard.rabbitmq.secret" -}}
{{- if .Values.devStack.enabled -}}
{{- printf "%s-dev" (include "leopard.fullname" .) -}}
{{- else if .Values.operators.rabbitmq.enabled -}}
{{- printf "%s-rabbitmq-default-user" (include "leopard.fullname" .) -}}
{{- else -}}
{{- .Values.rabbitmq.existingSecret.name -}}
{{- end -}}
{{- end }}

{{- define "leopard.rabbitmq.key" -}}
{{- if .Values.devStack.enabled -}}amqp-url
{{- else if .Values.operators.rabbitmq.enabled -}}connection_string
{{- else -}}{{ .Values.rabbitmq.existingSecret.key }}
{{- end -}}
{{- end }}

{{/* Secrets are mounted as files, so that `kubectl describe`, crash reports and child processes do not show them. */}}
{{- define "leopard.secretsEnv" -}}
- name: LEOPARD_SECRETS_DIR
  value: /run/leopard
{{- end }}

{{- define "leopard.secretsMount" -}}
- name: secrets
  mountPath: /run/leopard
  readOnly: true
{{- end }}

{{/* Parameters: root; optional httpToken, databaseOnly. */}}
{{- define "leopard.secretsVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "leopard.database.secret" .root }}
          items:
            - {key: {{ include "leopard.database.key" .root }}, path: leopard_database_url}
      {{- if and .databaseOnly .root.Values.database.migrationSecret.name }}
      - secret:
          name: {{ .root.Values.database.migrationSecret.name }}
          items:
            - {key: {{ .root.Values.database.migrationSecret.key }}, path: leopard_migration_database_url}
      {{- end }}
      {{- if not .databaseOnly }}
      - secret:
          name: {{ include "leopard.rabbitmq.secret" .root }}
          items:
            - {key: {{ include "leopard.rabbitmq.key" .root }}, path: leopard_amqp_url}
      {{- end }}
      {{- with .httpToken }}
      {{- if .existingSecret }}
      - secret:
          name: {{ .existingSecret }}
          items:
            - {key: {{ .key }}, path: leopard_http_token}
      {{- end }}
      {{- end }}
{{- end }}
