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

{{- define "leopard.database.port" -}}
{{- or .Values.devStack.enabled .Values.operators.cnpg.enabled | ternary 5432 .Values.database.port | int -}}
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

{{- define "leopard.rabbitmq.port" -}}
{{- or .Values.devStack.enabled .Values.operators.rabbitmq.enabled | ternary 5672 .Values.rabbitmq.port | int -}}
{{- end }}

{{/* The port of an HTTP URL. */}}
{{- define "leopard.urlPort" -}}
{{- $parts := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $parts.host | trimPrefix ":" -}}
{{- $port | default (eq $parts.scheme "https" | ternary "443" "80") -}}
{{- end }}

{{/* Secrets are mounted as files, so that `kubectl describe`, crash reports and child processes do not show them. */}}
{{- define "leopard.secretsMount" -}}
- name: secrets
  mountPath: /run/leopard
  readOnly: true
{{- end }}

{{/* Where the files are. Parameters: root; optional databaseOnly. */}}
{{- define "leopard.secretsEnv" -}}
- name: LEOPARD_SECRETS_DIR
  value: /run/leopard
{{- range $store, $setting := include "leopard.stores" . | fromYaml }}
{{- $values := index $.root.Values $store }}
{{- if or $values.ca.existingSecret $values.ca.existingConfigMap }}
- name: LEOPARD_{{ $setting }}_CA_FILE
  value: /run/leopard/certificates/{{ $store }}-ca.crt
{{- end }}
{{- if $values.clientCertificate.existingSecret }}
- name: LEOPARD_{{ $setting }}_CERTIFICATE_FILE
  value: /run/leopard/certificates/{{ $store }}.crt
- name: LEOPARD_{{ $setting }}_KEY_FILE
  value: /run/leopard/certificates/{{ $store }}.key
{{- end }}
{{- end }}
{{- end }}

{{/* The stores that a container connects to, with the names of their settings. Parameter: optional databaseOnly. */}}
{{- define "leopard.stores" -}}
database: DATABASE
{{- if not .databaseOnly }}
rabbitmq: AMQP
{{- end }}
{{- end }}

{{/* Parameters: root; optional httpToken, databaseOnly. */}}
{{- define "leopard.secretsVolume" -}}
- name: secrets
  projected:
    # libpq accepts a key that root owns and a group may read
    defaultMode: 0440
    sources:
      - secret:
          name: {{ include "leopard.database.secret" .root | quote }}
          items:
            - {key: {{ include "leopard.database.key" .root | quote }}, path: leopard_database_url}
      {{- if and .databaseOnly .root.Values.database.migrationSecret.name }}
      - secret:
          name: {{ .root.Values.database.migrationSecret.name | quote }}
          items:
            - {key: {{ .root.Values.database.migrationSecret.key | quote }}, path: leopard_migration_database_url}
      {{- end }}
      {{- if not .databaseOnly }}
      - secret:
          name: {{ include "leopard.rabbitmq.secret" .root | quote }}
          items:
            - {key: {{ include "leopard.rabbitmq.key" .root | quote }}, path: leopard_amqp_url}
      {{- end }}
      {{- range $store, $_ := include "leopard.stores" . | fromYaml }}
      {{- with include "leopard.certificateSources" (dict "store" $store "values" (index $.root.Values $store)) | trim }}{{ . | nindent 6 }}{{ end }}
      {{- end }}
      {{- with .httpToken }}
      {{- if .existingSecret }}
      - secret:
          name: {{ .existingSecret | quote }}
          items:
            - {key: {{ .key | quote }}, path: leopard_http_token}
      {{- end }}
      {{- end }}
{{- end }}

{{/* Files for TLS connections to a store. Parameters: store, values (of the store). */}}
{{- define "leopard.certificateSources" -}}
{{- $ca := .values.ca }}
{{- if or $ca.existingSecret $ca.existingConfigMap }}
- {{ if $ca.existingSecret }}secret{{ else }}configMap{{ end }}:
    name: {{ $ca.existingSecret | default $ca.existingConfigMap | quote }}
    items:
      - {key: {{ $ca.key | quote }}, path: certificates/{{ .store }}-ca.crt}
{{- end }}
{{- with .values.clientCertificate }}
{{- if .existingSecret }}
- secret:
    name: {{ .existingSecret | quote }}
    items:
      - {key: {{ .certificateKey | quote }}, path: certificates/{{ $.store }}.crt}
      - {key: {{ .keyKey | quote }}, path: certificates/{{ $.store }}.key}
{{- end }}
{{- end }}
{{- end }}
