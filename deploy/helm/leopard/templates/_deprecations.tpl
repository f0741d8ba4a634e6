{{/* Removed keys: each fails and refers to UPGRADING.md. There are none yet. */}}
{{- define "leopard.deprecations" -}}
{{- end }}
