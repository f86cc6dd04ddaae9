{{/* The sources, as JSON; by default one, LightOn Paradigm. */}}
{{- define "chat-usage-exporter.sources" -}}
{{- .Values.sources | default (dict "production" (dict "platform" "paradigm")) | toJson -}}
{{- end -}}

{{/*
The Secret of a source and the entry that holds its API key, as JSON: the Secret that the chart creates for its apiKey, else the
source's own, else the default one.
in: (dict "root" $ "name" NAME "source" SOURCE)
*/}}
{{- define "chat-usage-exporter.secretOf" -}}
{{- $fullname := include "chat-usage-exporter.fullname" .root -}}
{{- $all := .root.Values.existingSecret -}}
{{- $own := .source.existingSecret | default dict -}}
{{- if and .source.apiKey $own.name -}}
{{- fail (printf "sources.%s: both apiKey and existingSecret.name are set; remove one" .name) -}}
{{- end -}}
{{- if .source.apiKey -}}
{{- dict "name" (printf "%s-keys" $fullname) "key" .name "made" true | toJson -}}
{{- else -}}
{{- $key := $own.name | empty | ternary $all.key "api-key" -}}
{{- dict "name" ($own.name | default $all.name | default $fullname) "key" ($own.key | default $key) | toJson -}}
{{- end -}}
{{- end -}}

{{/* The folder where the keys are mounted, one file per source. */}}
{{- define "chat-usage-exporter.keys" -}}
/run/secrets/chat-usage-exporter
{{- end -}}

{{/* The exporter's configuration file. */}}
{{- define "chat-usage-exporter.config" -}}
{{- $sources := dict -}}
{{- range $name, $given := include "chat-usage-exporter.sources" . | fromJson -}}
{{- $source := omit $given "existingSecret" "apiKey" -}}
{{- $_ := set $source "api_key_file" (printf "%s/%s" (include "chat-usage-exporter.keys" $) $name) -}}
{{- if and (or $.Values.caBundle.configMap $.Values.caBundle.secret) (not $source.ca_file) -}}
{{- $_ := set $source "ca_file" "/etc/chat-usage-exporter/ca/ca.crt" -}}
{{- end -}}
{{- $_ := set $sources $name $source -}}
{{- end -}}
{{- $config := merge (dict "sources" $sources) .Values.config -}}
{{- if ne .Values.state.type "none" -}}
{{- $_ := set $config "state_file" "/var/lib/chat-usage-exporter/state" -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}
