{{/* Parameters: root, component, image. */}}
{{- define "leopard.migrateSpec" -}}
{{- $values := .root.Values.migrations -}}
backoffLimit: {{ int64 $values.backoffLimit }}
activeDeadlineSeconds: {{ int64 $values.activeDeadlineSeconds }}
template:
  metadata:
    labels:
      {{- include "leopard.labels" (dict "root" .root "component" .component "labels" $values.podLabels) | nindent 6 }}
    {{- with include "leopard.podAnnotations" (dict "root" .root "values" $values) | trim }}{{ . | nindent 4 }}{{ end }}
  spec:
    {{- with include "leopard.pullSecrets" .root | trim }}{{ . | nindent 4 }}{{ end }}
    restartPolicy: Never
    serviceAccountName: {{ printf "%s-migrate" (include "leopard.fullname" .root) | quote }}
    automountServiceAccountToken: false
    enableServiceLinks: false
    {{- with include "leopard.placement" $values | trim }}{{ . | nindent 4 }}{{ end }}
    securityContext:
      {{- include "leopard.podSecurityContext" .root | nindent 6 }}
    {{- with $values.extraInitContainers }}
    initContainers:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    containers:
      - name: migrate
        image: {{ .image }}
        imagePullPolicy: {{ .root.Values.image.pullPolicy }}
        command: [leopard, migrate, --wait-seconds, {{ include "leopard.text" $values.waitSeconds | quote }}]
        env:
          {{- include "leopard.secretsEnv" (dict "root" .root "databaseOnly" true) | nindent 10 }}
          {{- with $values.extraEnv }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
        {{- with $values.extraEnvFrom }}
        envFrom:
          {{- toYaml . | nindent 10 }}
        {{- end }}
        resources:
          {{- include "leopard.resources" $values.resources | nindent 10 }}
        securityContext:
          {{- include "leopard.securityContext" .root | nindent 10 }}
        volumeMounts:
          - name: tmp
            mountPath: /tmp
          {{- include "leopard.secretsMount" .root | nindent 10 }}
          {{- with $values.extraVolumeMounts }}
          {{- toYaml . | nindent 10 }}
          {{- end }}
      {{- with $values.extraContainers }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    volumes:
      - name: tmp
        emptyDir:
          sizeLimit: 64Mi
      {{- include "leopard.secretsVolume" (dict "root" .root "databaseOnly" true) | nindent 6 }}
      {{- with $values.extraVolumes }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
{{- end }}

{{/*
Metadata that only a hook needs. Helm leaves the objects of hooks in the cluster; with these annotations a later release
of the same name may take them over, in mode job too. Parameters: root, weight.
*/}}
{{- define "leopard.migrateHook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation
meta.helm.sh/release-name: {{ .root.Release.Name | quote }}
meta.helm.sh/release-namespace: {{ .root.Release.Namespace | quote }}
{{- end }}
