{{/* The label job of the exporter's series; a PodMonitoring takes its own name for it. */}}
{{- define "chat-usage-exporter.job" -}}
{{- eq .Values.scrape.kind "PodMonitoring" | ternary (include "chat-usage-exporter.fullname" .) .Values.scrape.job -}}
{{- end -}}

{{/* Refuses what a kind of scrape object cannot do, and what would end in a target that is down for ever. */}}
{{- define "chat-usage-exporter.scrapeable" -}}
{{- $scrape := .Values.scrape -}}
{{- $lacks := dict
      "ScrapeConfig" (list "targetLabels")
      "PodMonitoring" (list "namespace" "scrapeClass" "honorLabels" "relabelings") -}}
{{- range $field := index $lacks $scrape.kind -}}
{{- if index $scrape $field -}}
{{- fail (printf "scrape.%s: a %s has nothing of the kind" $field $scrape.kind) -}}
{{- end -}}
{{- end -}}
{{- range $scrape.relabelings -}}
{{- if and (eq (.targetLabel | default "") "job") (not (eq (.action | default "replace" | lower) "keep" "drop")) -}}
{{- fail "scrape.relabelings: one of them sets job, by which the alert ChatUsageExporterDown knows the exporter; set scrape.job, which the alert follows" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.web.tls (not (or $scrape.tlsConfig $scrape.scrapeClass)) -}}
{{- fail "scrape.tlsConfig: must be set where web.tls is, else Prometheus trusts nobody: {ca: {secret: {name: SECRET, key: ca.crt}}}, or {insecureSkipVerify: true}, or scrape.scrapeClass" -}}
{{- end -}}
{{- end -}}

{{/* What all kinds write alike. */}}
{{- define "chat-usage-exporter.endpoint" -}}
{{- $scrape := .Values.scrape -}}
{{- $endpoint := dict "scheme" ($scrape.scheme | default (.Values.web.tls | ternary "https" "http")) -}}
{{- range $field := list "interval" "scrapeTimeout" "basicAuth" "authorization" "proxyUrl" "honorLabels" "metricRelabelings" -}}
{{- with index $scrape $field -}}{{- $_ := set $endpoint $field . -}}{{- end -}}
{{- end -}}
{{- with $scrape.tlsConfig -}}
{{- $_ := set $endpoint "tlsConfig" (.insecureSkipVerify | default false | ternary . (merge (deepCopy .) (dict "serverName" (include "chat-usage-exporter.host" $)))) -}}
{{- end -}}
{{- /* job comes last: nothing before it changes by what the alert knows the exporter */ -}}
{{- $job := dict "action" "replace" "targetLabel" "job" "replacement" $scrape.job -}}
{{- $_ := set $endpoint "relabelings" (append $scrape.relabelings $job) -}}
{{- toYaml $endpoint -}}
{{- end -}}
