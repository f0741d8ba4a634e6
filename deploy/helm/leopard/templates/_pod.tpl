{{/* Pod settings for the "restricted" level of the Pod Security Standards. */}}
{{- define "leopard.podSecurityContext" -}}
runAsNonRoot: true
{{- if not .Values.podSecurity.clusterChoosesUser }}
runAsUser: {{ int64 .Values.podSecurity.runAsUser }}
runAsGroup: {{ int64 .Values.podSecurity.runAsUser }}
fsGroup: {{ int64 .Values.podSecurity.runAsUser }}
{{- end }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Container settings for the same level. */}}
{{- define "leopard.securityContext" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: {{ .Values.podSecurity.readOnlyRootFilesystem }}
runAsNonRoot: true
{{- if not .Values.podSecurity.clusterChoosesUser }}
runAsUser: {{ int64 .Values.podSecurity.runAsUser }}
{{- end }}
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/* Parent charts share `global`, where the convention is a list of objects with a name. */}}
{{- define "leopard.pullSecrets" -}}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ if kindIs "map" . }}{{ .name | quote }}{{ else }}{{ . | quote }}{{ end }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Annotations of a pod, or nothing. Parameters: root, values; optional annotations of the chart's own. */}}
{{- define "leopard.podAnnotations" -}}
{{- with mergeOverwrite (dict) .root.Values.commonAnnotations .values.podAnnotations (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Where a pod runs. Parameter: the values of the pod. */}}
{{- define "leopard.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Requests and limits, as texts. Parameter: resources of the values. */}}
{{- define "leopard.resources" -}}
{{- include "leopard.amounts" . | trim | default "{}" -}}
{{- end }}

{{- define "leopard.amounts" -}}
{{- range $kind := list "requests" "limits" }}
{{- with index $ $kind }}
{{ $kind }}:
  {{- range $name, $amount := . }}
  {{- if not (kindIs "invalid" $amount) }}
  {{ $name }}: {{ include "leopard.text" $amount | quote }}
  {{- end }}
  {{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Settings as LEOPARD_ variables; an empty setting keeps the service's default. Parameter: a map. */}}
{{- define "leopard.settingsData" -}}
{{- range $name, $value := . }}
{{- if ne (toString $value) "" }}
LEOPARD_{{ $name | snakecase | upper }}: {{ include "leopard.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}
