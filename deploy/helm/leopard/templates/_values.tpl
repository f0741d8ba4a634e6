{{/*
Fills in defaults for values that are missing: Helm removes a key that is set to null, and `--reuse-values` brings the
values of an older chart. Every template begins with this; it works once per release. Lists stay as they are.
*/}}
{{- define "leopard.init" -}}
{{- if not (hasKey .Values "defaultsAreFilledIn") -}}
{{- include "leopard.fill" (dict "into" .Values "from" (include "leopard.defaultValues" . | fromYaml)) -}}
{{- $_ := set .Values "defaultsAreFilledIn" true -}}
{{- end -}}
{{- end }}

{{/* Parameters: into, from. An amount of resources that was set to null stays removed. */}}
{{- define "leopard.fill" -}}
{{- $into := .into -}}
{{- range $key, $default := .from -}}
{{- if not (hasKey $into $key) -}}
{{- $_ := set $into $key $default -}}
{{- else if kindIs "invalid" (index $into $key) -}}
{{- $_ := set $into $key $default -}}
{{- else if and (kindIs "map" $default) (kindIs "map" (index $into $key)) (ne $key "resources") -}}
{{- include "leopard.fill" (dict "into" (index $into $key) "from" $default) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{/* A number as Kubernetes and the services read it. Helm reads numbers as floats: 4194304 must not become 4.194304e+06. */}}
{{- define "leopard.text" -}}
{{- if and (kindIs "float64" .) (eq (float64 (int64 .)) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end }}
