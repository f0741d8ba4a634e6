{{/* Keys that earlier versions had: each fails with where to read on. There are none yet. */}}
{{- define "leopard.deprecations" -}}
{{- end }}
