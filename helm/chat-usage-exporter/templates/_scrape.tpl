{{/* The label job of the exporter's series; with a PodMonitoring it is the name of that object. */}}
{{- define "chat-usage-exporter.job" -}}
{{- eq .Values.scrape.kind "PodMonitoring" | ternary (include "chat-usage-exporter.fullname" .) .Values.scrape.job -}}
{{- end -}}

{{/* Refuses settings that the kind of scrape object does not support, and those with which the target would always be down. */}}
{{- define "chat-usage-exporter.scrapeable" -}}
{{- $scrape := .Values.scrape -}}
{{- $lacks := dict
      "ScrapeConfig" (list "targetLabels")
      "PodMonitoring" (list "namespace" "scrapeClass" "honorLabels" "relabelings") -}}
{{- range $field := index $lacks $scrape.kind -}}
{{- if index $scrape $field -}}
{{- fail (printf "scrape.%s: a %s does not support this; remove it" $field $scrape.kind) -}}
{{- end -}}
{{- end -}}
{{- range $scrape.relabelings -}}
{{- if and (eq (.targetLabel | default "") "job") (not (eq (.action | default "replace" | lower) "keep" "drop")) -}}
{{- fail "scrape.relabelings: one of them sets job, which the alert ChatUsageExporterDown selects by; set scrape.job instead, and the alert uses it" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.web.tls (not (or $scrape.tlsConfig $scrape.scrapeClass)) -}}
{{- fail "scrape.tlsConfig: required by web.tls, because Prometheus cannot verify the certificate otherwise; set {ca: {secret: {name: SECRET, key: ca.crt}}} or {insecureSkipVerify: true}, or use scrape.scrapeClass" -}}
{{- end -}}
{{- end -}}

{{/* The endpoint fields that all kinds share. */}}
{{- define "chat-usage-exporter.endpoint" -}}
{{- $scrape := .Values.scrape -}}
{{- $endpoint := dict "scheme" ($scrape.scheme | default (.Values.web.tls | ternary "https" "http")) -}}
{{- range $field := list "interval" "scrapeTimeout" "basicAuth" "authorization" "proxyUrl" "honorLabels" "metricRelabelings" -}}
{{- with index $scrape $field -}}{{- $_ := set $endpoint $field . -}}{{- end -}}
{{- end -}}
{{- with $scrape.tlsConfig -}}
{{- $_ := set $endpoint "tlsConfig" (.insecureSkipVerify | default false | ternary . (merge (deepCopy .) (dict "serverName" (include "chat-usage-exporter.host" $)))) -}}
{{- end -}}
{{- /* job is set last, so that no other relabeling can change it: the alert selects by it */ -}}
{{- $job := dict "action" "replace" "targetLabel" "job" "replacement" $scrape.job -}}
{{- $_ := set $endpoint "relabelings" (append $scrape.relabelings $job) -}}
{{- toYaml $endpoint -}}
{{- end -}}
