{{/* Channels with a dedicated queue, because a pool consumes only that channel: sms,whatsapp. */}}
{{- define "leopard.dedicatedQueues" -}}
{{- $channels := list -}}
{{- range .Values.senderWorker.pools -}}
{{- $settings := mergeOverwrite (deepCopy $.Values.senderWorker.settings) (default dict .settings) -}}
{{- with $settings.channel }}{{ $channels = append $channels . }}{{ end -}}
{{- end -}}
{{- $channels | uniq | sortAlpha | join "," -}}
{{- end }}

{{/* The queue that a pool consumes. Parameter: its channel, or an empty string. */}}
{{- define "leopard.queue" -}}
campaign_sends{{ with . }}.{{ . }}{{ end }}
{{- end }}
