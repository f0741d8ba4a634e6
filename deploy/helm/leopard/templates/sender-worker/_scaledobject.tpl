{{/*
KEDA by queue length, read over HTTP: AMQP does not count the jobs that workers hold.
Parameters: root, component, name, keda, channel.
*/}}
{{- define "leopard.scaledObject" -}}
{{- $ca := .root.Values.rabbitmq.management.ca -}}
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  {{- include "leopard.metadata" . | nindent 2 }}
spec:
  secretTargetRef:
    - parameter: username
      name: {{ include "leopard.management.secret" .root | quote }}
      key: {{ .root.Values.rabbitmq.management.existingSecret.usernameKey | quote }}
    - parameter: password
      name: {{ include "leopard.management.secret" .root | quote }}
      key: {{ .root.Values.rabbitmq.management.existingSecret.passwordKey | quote }}
    {{- if $ca.existingSecret }}
    - parameter: ca
      name: {{ $ca.existingSecret | quote }}
      key: {{ $ca.key | quote }}
    {{- end }}
  {{- if or $ca.existingSecret $ca.existingConfigMap }}
  configMapTargetRef:
    - parameter: tls
      name: {{ printf "%s-keda" .name | quote }}
      key: tls
    {{- if not $ca.existingSecret }}
    - parameter: ca
      name: {{ $ca.existingConfigMap | quote }}
      key: {{ $ca.key | quote }}
    {{- end }}
---
# KEDA uses the authority only with tls: enable, and reads that from a Secret or ConfigMap only
apiVersion: v1
kind: ConfigMap
metadata:
  {{- include "leopard.metadata" (mergeOverwrite (dict) . (dict "name" (printf "%s-keda" .name))) | nindent 2 }}
data:
  tls: enable
  {{- end }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "leopard.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    name: {{ .name | quote }}
  {{- if eq (int .keda.minReplicas) 0 }}
  pollingInterval: {{ int64 .keda.pollingInterval }}
  cooldownPeriod: {{ int64 .keda.cooldownPeriod }}
  {{- end }}
  minReplicaCount: {{ int64 .keda.minReplicas }}
  maxReplicaCount: {{ int64 .keda.maxReplicas }}
  fallback:
    failureThreshold: {{ int64 .keda.fallback.failureThreshold }}
    replicas: {{ int64 .keda.fallback.replicas }}
    {{- with .keda.fallback.behavior }}
    behavior: {{ . }}
    {{- end }}
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown:
          stabilizationWindowSeconds: 300
          policies:
            - {type: Percent, value: 50, periodSeconds: 60}
  triggers:
    {{- $queue := include "leopard.queue" .channel }}
    {{- range $name, $queueName := dict "queue" $queue "personalized" (printf "%s.personalized" $queue) }}
    - type: rabbitmq
      name: {{ $name }}
      metricType: AverageValue
      metadata:
        protocol: http
        host: {{ include "leopard.management.url" $.root | trimSuffix "/" | printf "%s/" | quote }}
        vhostName: {{ $.root.Values.rabbitmq.management.vhost | quote }}
        queueName: {{ $queueName | quote }}
        mode: QueueLength
        value: {{ int64 $.keda.messagesPerPod | quote }}
        excludeUnacknowledged: "false"
      authenticationRef:
        name: {{ $.name | quote }}
    {{- end }}
{{- end }}

{{- define "leopard.management.secret" -}}
{{- if .Values.devStack.enabled -}}
{{- printf "%s-dev" (include "leopard.fullname" .) -}}
{{- else if .Values.operators.rabbitmq.enabled -}}
{{- printf "%s-rabbitmq-default-user" (include "leopard.fullname" .) -}}
{{- else -}}
{{- .Values.rabbitmq.management.existingSecret.name -}}
{{- end -}}
{{- end }}

{{- define "leopard.management.url" -}}
{{- if .Values.rabbitmq.management.url -}}
{{- .Values.rabbitmq.management.url -}}
{{- else if or .Values.devStack.enabled .Values.operators.rabbitmq.enabled -}}
{{- printf "http://%s-rabbitmq.%s.svc:15672" (include "leopard.fullname" .) .Release.Namespace -}}
{{- end -}}
{{- end }}
