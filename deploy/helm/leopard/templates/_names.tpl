{{/* A text that is at most so long; a hash takes the place of what is cut off. Parameters: text, length. */}}
{{- define "leopard.cut" -}}
{{- if gt (len .text) .length -}}
{{- printf "%s-%s" (.text | trunc (int (sub .length 9)) | trimSuffix "-") (.text | sha256sum | trunc 8) -}}
{{- else -}}
{{- .text | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "leopard.name" -}}
{{- include "leopard.cut" (dict "text" (default .Chart.Name .Values.nameOverride) "length" 40) -}}
{{- end }}

{{/* Short enough that names with the longest suffix stay within 63 characters. */}}
{{- define "leopard.fullname" -}}
{{- $name := printf "%s-%s" .Release.Name (include "leopard.name" .) -}}
{{- if .Values.fullnameOverride -}}
{{- $name = .Values.fullnameOverride -}}
{{- else if contains (include "leopard.name" .) .Release.Name -}}
{{- $name = .Release.Name -}}
{{- end -}}
{{- include "leopard.cut" (dict "text" $name "length" 36) -}}
{{- end }}

{{/* Labels of selectors; they must never change. Parameters: root, component. */}}
{{- define "leopard.selectorLabels" -}}
{{ include "leopard.releaseLabels" .root }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end }}

{{/* Labels that all pods of the release have. */}}
{{- define "leopard.releaseLabels" -}}
app.kubernetes.io/name: {{ include "leopard.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* Parameters: root, component; optional labels. */}}
{{- define "leopard.labels" -}}
{{- $labels := dict "app.kubernetes.io/part-of" "leopard" "app.kubernetes.io/version" (include "leopard.labelText" .root.Chart.AppVersion) -}}
{{- $_ := set $labels "app.kubernetes.io/managed-by" .root.Release.Service -}}
{{- $_ := set $labels "helm.sh/chart" (include "leopard.labelText" (printf "%s-%s" .root.Chart.Name .root.Chart.Version)) -}}
{{- $selector := include "leopard.selectorLabels" . | fromYaml -}}
{{- mergeOverwrite $labels .root.Values.commonLabels (.labels | default dict) $selector | toYaml -}}
{{- end }}

{{- define "leopard.labelText" -}}
{{- . | replace "+" "_" | trunc 63 | trimAll "-_." -}}
{{- end }}

{{/* Metadata of an object. Parameters: root, component, name; optional annotations, labels. */}}
{{- define "leopard.metadata" -}}
name: {{ .name | quote }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "leopard.labels" . | nindent 2 }}
{{- with mergeOverwrite (dict) .root.Values.commonAnnotations (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A Leopard image. Parameters: root, image (name, digest). */}}
{{- define "leopard.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .root.Values.image.registry -}}
{{- $path := list $registry .root.Values.image.repository .image.name | compact | join "/" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $path .image.digest | quote -}}
{{- else -}}
{{- printf "%s:%s" $path (.root.Values.image.tag | default .root.Chart.AppVersion) | quote -}}
{{- end -}}
{{- end }}

{{/* A third-party image. Parameters: root, image. */}}
{{- define "leopard.foreignImage" -}}
{{- if .root.Values.global.imageRegistry -}}
{{- printf "%s/%s" .root.Values.global.imageRegistry (regexReplaceAll "^[^/]+/" .image "") | quote -}}
{{- else -}}
{{- .image | quote -}}
{{- end -}}
{{- end }}
