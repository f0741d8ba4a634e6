{{- define "leopard.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end }}

{{/* Short enough that names with the longest suffix stay within 63 characters. */}}
{{- define "leopard.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 36 | trimSuffix "-" -}}
{{- else if contains (include "leopard.name" .) .Release.Name -}}
{{- .Release.Name | trunc 36 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "leopard.name" .) | trunc 36 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{/* Labels of selectors; they must never change. Parameters: root, component. */}}
{{- define "leopard.selectorLabels" -}}
app.kubernetes.io/name: {{ include "leopard.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Parameters: root, component. */}}
{{- define "leopard.labels" -}}
{{ include "leopard.selectorLabels" . }}
app.kubernetes.io/part-of: leopard
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Metadata of an object. Parameters: root, component, name; optional annotations. */}}
{{- define "leopard.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "leopard.labels" . | nindent 2 }}
{{- with merge (dict) (.annotations | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* A Leopard image. Parameters: root, image (name, digest). */}}
{{- define "leopard.image" -}}
{{- $registry := .root.Values.global.imageRegistry | default .root.Values.image.registry -}}
{{- $path := list $registry .root.Values.image.repository .image.name | compact | join "/" -}}
{{- if .image.digest -}}
{{- printf "%s@%s" $path .image.digest -}}
{{- else -}}
{{- printf "%s:%s" $path (.root.Values.image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end }}

{{/* A third-party image. Parameters: root, image. */}}
{{- define "leopard.foreignImage" -}}
{{- if .root.Values.global.imageRegistry -}}
{{- printf "%s/%s" .root.Values.global.imageRegistry (regexReplaceAll "^[^/]+/" .image "") -}}
{{- else -}}
{{- .image -}}
{{- end -}}
{{- end }}
