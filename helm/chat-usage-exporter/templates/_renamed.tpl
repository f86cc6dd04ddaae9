{{/* Refuses values that had another name in an earlier version of the chart: else they would do nothing, in silence. */}}
{{- define "chat-usage-exporter.renamed" -}}
{{- $was := dict
      "serviceMonitor" "is now scrape, with scrape.kind: ServiceMonitor (jobLabel: scrape.job)"
      "podMonitor" "is now scrape, with scrape.kind: PodMonitor (podTargetLabels: scrape.targetLabels, jobLabel: scrape.job)"
      "scrapeConfig" "is now scrape, with scrape.kind: ScrapeConfig"
      "topologySpreadConstraints" "is now podSpec.topologySpreadConstraints" -}}
{{- $found := list -}}
{{- range $name, $now := $was -}}
{{- if hasKey $.Values $name -}}{{- $found = append $found (printf "%s: %s" $name $now) -}}{{- end -}}
{{- end -}}
{{- if hasKey (.Values.podDisruptionBudget | default dict) "enabled" -}}
{{- $found = append $found "podDisruptionBudget.enabled: podDisruptionBudget is now the specification itself, {maxUnavailable: 0}; empty, there is none" -}}
{{- end -}}
{{- if kindIs "map" (dig "egress" list (.Values.networkPolicy | default dict)) -}}
{{- $found = append $found "networkPolicy.egress: is now a list of whole rules; the ports of the URLs that are configured are let out without it" -}}
{{- end -}}
{{- with $found -}}
{{- fail (printf "values have new names (README.md, Upgrading; `helm upgrade --reset-then-reuse-values`, not --reuse-values):\n  %s" (join "\n  " .)) -}}
{{- end -}}
{{- end -}}
