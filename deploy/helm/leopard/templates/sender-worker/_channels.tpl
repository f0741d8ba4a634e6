{{/* The channels that a pool takes for itself, and so have a queue of their own: sms,whatsapp. */}}
{{- define "leopard.ownQueues" -}}
{{- $channels := list -}}
{{- range .Values.senderWorker.pools -}}
{{- $settings := mergeOverwrite (deepCopy $.Values.senderWorker.settings) (default dict .settings) -}}
{{- with $settings.channel }}{{ $channels = append $channels . }}{{ end -}}
{{- end -}}
{{- $channels | uniq | sortAlpha | join "," -}}
{{- end }}

{{/* The queue that a pool reads. Takes its channel, or nothing. */}}
{{- define "leopard.queue" -}}
campaign_sends{{ with . }}.{{ . }}{{ end }}
{{- end }}
