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

{{- define "leopard.databaseEnv" -}}
- name: LEOPARD_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "leopard.database.secret" . }}
      key: {{ include "leopard.database.key" . }}
{{- end }}

{{- define "leopard.rabbitmqEnv" -}}
- name: LEOPARD_AMQP_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "leopard.rabbitmq.secret" . }}
      key: {{ include "leopard.rabbitmq.key" . }}
{{- end }}
