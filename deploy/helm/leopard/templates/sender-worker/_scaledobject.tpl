{{/*
KEDA by queue length, read over HTTP: AMQP does not count the jobs that workers hold.
Parameters: root, component, name, keda, channel.
*/}}
{{- define "leopard.scaledObject" -}}
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  {{- include "leopard.metadata" . | nindent 2 }}
spec:
  secretTargetRef:
    - parameter: username
      name: {{ include "leopard.management.secret" .root }}
      key: {{ .root.Values.rabbitmq.management.existingSecret.usernameKey }}
    - parameter: password
      name: {{ include "leopard.management.secret" .root }}
      key: {{ .root.Values.rabbitmq.management.existingSecret.passwordKey }}
---
apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata:
  {{- include "leopard.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    name: {{ .name }}
  {{- if eq (int .keda.minReplicas) 0 }}
  pollingInterval: {{ .keda.pollingInterval }}
  cooldownPeriod: {{ .keda.cooldownPeriod }}
  {{- end }}
  minReplicaCount: {{ .keda.minReplicas }}
  maxReplicaCount: {{ .keda.maxReplicas }}
  fallback:
    failureThreshold: {{ .keda.fallback.failureThreshold }}
    replicas: {{ .keda.fallback.replicas }}
    behavior: currentReplicasIfHigher
  advanced:
    horizontalPodAutoscalerConfig:
      behavior:
        scaleDown:
          stabilizationWindowSeconds: 300
          policies:
            - {type: Percent, value: 50, periodSeconds: 60}
  triggers:
    - type: rabbitmq
      name: queue
      metricType: AverageValue
      metadata:
        protocol: http
        host: {{ include "leopard.management.url" .root | quote }}
        vhostName: {{ .root.Values.rabbitmq.management.vhost | quote }}
        queueName: {{ include "leopard.queue" .channel }}
        mode: QueueLength
        value: {{ int64 .keda.messagesPerPod | quote }}
        excludeUnacknowledged: "false"
      authenticationRef:
        name: {{ .name }}
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
