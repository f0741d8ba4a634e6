{{/* What "restricted" of the Pod Security Standards asks of a pod. */}}
{{- define "leopard.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.runAsUser }}
runAsGroup: {{ .Values.podSecurity.runAsUser }}
fsGroup: {{ .Values.podSecurity.runAsUser }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* And of a container. */}}
{{- define "leopard.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: {{ .Values.podSecurity.readOnlyRootFilesystem }}
runAsNonRoot: true
runAsUser: {{ .Values.podSecurity.runAsUser }}
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "leopard.pullSecrets" -}}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/*
Settings as LEOPARD_ variables; what is empty is left to the service. Takes a map.
Numbers of values files arrive as floats: 4194304 must not become 4.194304e+06.
*/}}
{{- define "leopard.settingsData" -}}
{{- range $name, $value := . }}
{{- if ne (toString $value) "" }}
{{- $text := toString $value }}
{{- if and (kindIs "float64" $value) (eq (float64 (int64 $value)) $value) }}{{ $text = int64 $value | toString }}{{ end }}
LEOPARD_{{ $name | snakecase | upper }}: {{ $text | quote }}
{{- end }}
{{- end }}
{{- end }}
