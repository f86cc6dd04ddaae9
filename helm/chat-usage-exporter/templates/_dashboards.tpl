{{/* The suffix of dashboard UIDs, so that two releases can share a Grafana. Without dashboards it is empty: links use the repository's UIDs. */}}
{{- define "chat-usage-exporter.uidSuffix" -}}
{{- if .Values.dashboards.enabled -}}
{{- $release := printf "%s/%s" (include "chat-usage-exporter.namespace" .) (include "chat-usage-exporter.fullname" .) -}}
{{- eq .Values.dashboards.uidSuffix "auto" | ternary (printf "-%s" (sha256sum $release | trunc 8)) .Values.dashboards.uidSuffix -}}
{{- end -}}
{{- end -}}

{{/* A dashboard's JSON, or an alert's link to one, with the UIDs of this release. in: (dict "root" $ "text" TEXT) */}}
{{- define "chat-usage-exporter.ownUids" -}}
{{- $suffix := include "chat-usage-exporter.uidSuffix" .root -}}
{{- $text := .text | replace "https://example.org/chat-usage-exporter" (trimSuffix "/" .root.Values.prometheusRule.runbookBaseUrl) -}}
{{- regexReplaceAll `("uid": "|/d/)(chat-usage-[a-z-]+)` $text (printf "${1}${2}%s" $suffix) -}}
{{- end -}}
