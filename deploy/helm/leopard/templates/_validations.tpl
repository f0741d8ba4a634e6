{{/* Rules across several keys, which the schema cannot express. */}}
{{- define "leopard.validate" -}}
{{- $problems := list -}}
{{- $fullname := include "leopard.fullname" . -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $fullname) -}}
{{- $problems = append $problems (printf "the release would name its objects %q, but names of Services begin with a letter, end with a letter or digit, and have no dots: set fullnameOverride" $fullname) -}}
{{- end -}}
{{- $labels := dict "commonLabels" .Values.commonLabels "monitoring.podMonitor.additionalLabels" .Values.monitoring.podMonitor.additionalLabels -}}
{{- range $section := list "migrations" "campaignApi" "dispatcher" "senderWorker" "devStack" "tests" -}}
{{- $values := index $.Values $section -}}
{{- $_ := set $labels (printf "%s.podLabels" $section) $values.podLabels -}}
{{- $problems = concat $problems (include "leopard.podProblems" (dict "section" $section "values" $values) | fromYamlArray) -}}
{{- end -}}
{{- range $where, $given := $labels -}}
{{- range $label := list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" -}}
{{- if hasKey $given $label -}}
{{- $problems = append $problems (printf "%s: %s is a label of selectors and cannot be set" $where $label) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $certificates := false -}}
{{- range $store := list .Values.database .Values.rabbitmq -}}
{{- if or $store.ca.existingSecret $store.ca.existingConfigMap $store.clientCertificate.existingSecret }}{{ $certificates = true }}{{ end -}}
{{- end -}}
{{- if and .Values.devStack.enabled $certificates -}}
{{- $problems = append $problems "devStack.enabled runs stores without TLS: remove ca and clientCertificate of database and rabbitmq" -}}
{{- end -}}
{{- range $where, $ca := dict "database.ca" .Values.database.ca "rabbitmq.ca" .Values.rabbitmq.ca "rabbitmq.management.ca" .Values.rabbitmq.management.ca -}}
{{- if and $ca.existingSecret $ca.existingConfigMap -}}
{{- $problems = append $problems (printf "%s: existingSecret and existingConfigMap cannot both be set" $where) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.devStack.enabled (eq .Values.environment "production") -}}
{{- $problems = append $problems "devStack.enabled is not for production: its data has one copy and its password is public; set environment: development, or set existingSecret for database and rabbitmq" -}}
{{- end -}}
{{- if and .Values.devStack.enabled (or .Values.operators.cnpg.enabled .Values.operators.rabbitmq.enabled) -}}
{{- $problems = append $problems "devStack.enabled and operators.*.enabled cannot both be true" -}}
{{- end -}}
{{- if not (include "leopard.database.secret" .) -}}
{{- $problems = append $problems "no database is configured: set database.existingSecret.name, operators.cnpg.enabled, or (for a trial) devStack.enabled with environment: development" -}}
{{- end -}}
{{- if not (include "leopard.rabbitmq.secret" .) -}}
{{- $problems = append $problems "no RabbitMQ is configured: set rabbitmq.existingSecret.name, operators.rabbitmq.enabled, or (for a trial) devStack.enabled with environment: development" -}}
{{- end -}}
{{- if and .Values.ingress.enabled .Values.httpRoute.enabled -}}
{{- $problems = append $problems "ingress.enabled and httpRoute.enabled cannot both be true" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.hosts) -}}
{{- $problems = append $problems "ingress.enabled needs ingress.hosts" -}}
{{- end -}}
{{- if and .Values.httpRoute.enabled (not .Values.httpRoute.parentRefs) -}}
{{- $problems = append $problems "httpRoute.enabled needs httpRoute.parentRefs" -}}
{{- end -}}
{{- if and (eq .Values.migrations.mode "hook") (or .Values.devStack.enabled .Values.operators.cnpg.enabled) -}}
{{- $problems = append $problems "migrations.mode: hook runs before this release creates its database; use job" -}}
{{- end -}}
{{- if and .Values.campaignApi.autoscaling.enabled (gt (int .Values.campaignApi.autoscaling.minReplicas) (int .Values.campaignApi.autoscaling.maxReplicas)) -}}
{{- $problems = append $problems "campaignApi.autoscaling: minReplicas is above maxReplicas" -}}
{{- end -}}
{{- $connections := mul (int .Values.dispatcher.settings.databasePoolSize) (add1 (int .Values.dispatcher.replicas)) -}}
{{- $apis := int (ternary .Values.campaignApi.autoscaling.maxReplicas .Values.campaignApi.replicas .Values.campaignApi.autoscaling.enabled) -}}
{{- $connections = add $connections (mul (int .Values.campaignApi.settings.databasePoolSize) (add1 $apis)) -}}
{{- $names := list -}}
{{- $taken := list -}}
{{- range .Values.senderWorker.pools -}}
{{- $pool := mergeOverwrite (deepCopy (omit $.Values.senderWorker "pools")) . -}}
{{- if has .name $names -}}
{{- $problems = append $problems (printf "senderWorker.pools: two pools are named %s" .name) -}}
{{- end -}}
{{- $names = append $names .name -}}
{{- $taken = append $taken $pool.settings.channel -}}
{{- if and $pool.autoscaling.enabled $pool.keda.enabled -}}
{{- $problems = append $problems (printf "senderWorker, pool %s: autoscaling.enabled and keda.enabled cannot both be true" .name) -}}
{{- end -}}
{{- if and $pool.keda.enabled (not (and (include "leopard.management.secret" $) (include "leopard.management.url" $))) -}}
{{- $problems = append $problems (printf "senderWorker, pool %s: keda.enabled needs rabbitmq.management.url and rabbitmq.management.existingSecret.name" .name) -}}
{{- end -}}
{{- if and (eq $pool.settings.provider "http") (not $pool.settings.httpUrl) -}}
{{- $problems = append $problems (printf "senderWorker, pool %s: settings.provider http needs settings.httpUrl" .name) -}}
{{- end -}}
{{- if and (eq $pool.settings.provider "http") (le (float64 $.Values.settings.leaseSeconds) (addf (minf 5 $pool.settings.httpTimeoutSeconds) $pool.settings.httpTimeoutSeconds)) -}}
{{- $problems = append $problems (printf "senderWorker, pool %s: settings.leaseSeconds must be above httpTimeoutSeconds plus the connect timeout (at most 5)" .name) -}}
{{- end -}}
{{- if gt (float64 $pool.settings.mockLatencyMinSeconds) (float64 $pool.settings.mockLatencyMaxSeconds) -}}
{{- $problems = append $problems (printf "senderWorker, pool %s: settings.mockLatencyMinSeconds is above mockLatencyMaxSeconds" .name) -}}
{{- end -}}
{{- range $scaler := list "autoscaling" "keda" -}}
{{- $scaling := get $pool $scaler -}}
{{- if and $scaling.enabled (gt (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- $problems = append $problems (printf "senderWorker, pool %s: %s.minReplicas is above maxReplicas" $pool.name $scaler) -}}
{{- end -}}
{{- end -}}
{{- $most := $pool.replicas -}}
{{- if $pool.autoscaling.enabled }}{{ $most = $pool.autoscaling.maxReplicas }}{{ else if $pool.keda.enabled }}{{ $most = $pool.keda.maxReplicas }}{{ end -}}
{{- $connections = add $connections (mul (int $pool.settings.databasePoolSize) (add1 (int $most))) -}}
{{- end -}}
{{- range $channel := list "sms" "whatsapp" -}}
{{- if not (or (has $channel $taken) (has "" $taken)) -}}
{{- $problems = append $problems (printf "senderWorker.pools: no worker pool consumes channel %s: add a pool with settings.channel=%s, or a pool without settings.channel" $channel $channel) -}}
{{- end -}}
{{- end -}}
{{- $allowed := sub (int .Values.database.maxConnections) (int .Values.database.reservedConnections) -}}
{{- if gt (int $connections) (int $allowed) -}}
{{- $problems = append $problems (printf "pods could open %d connections to PostgreSQL (maximum replicas, plus one per Deployment during a rollout, times databasePoolSize), but database.maxConnections minus reservedConnections is %d" (int $connections) (int $allowed)) -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nFix these values:\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end }}

{{/* What Kubernetes would refuse in a pod, as a list. Parameters: section, values. */}}
{{- define "leopard.podProblems" -}}
{{- $taken := dict "extraVolumes" (list "tmp" "secrets") "extraEnv" list "extraContainers" list "extraVolumeMounts" (list "/tmp" "/run/leopard") -}}
{{- $containers := list "wait-for-schema" "migrate" "campaign" -}}
{{- with .values.image }}{{ $containers = append $containers .name }}{{ end -}}
{{- $_ := set $taken "extraContainers" $containers -}}
{{- $problems := list -}}
{{- range $key := list "extraVolumes" "extraEnv" "extraVolumeMounts" "extraContainers" "extraInitContainers" -}}
{{- $kind := eq $key "extraInitContainers" | ternary "extraContainers" $key -}}
{{- range index $.values $key -}}
{{- $name := eq $key "extraVolumeMounts" | ternary .mountPath .name | default "" -}}
{{- if has $name (index $taken $kind) -}}
{{- $problems = append $problems (printf "%s.%s: %s is taken" $.section $key $name) -}}
{{- end -}}
{{- $_ := set $taken $kind (append (index $taken $kind) $name) -}}
{{- end -}}
{{- end -}}
{{- toYaml $problems -}}
{{- end }}
