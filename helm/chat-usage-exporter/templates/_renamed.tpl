{{/* Refuses values under the name they had in an earlier version of the chart; otherwise they would be ignored silently. */}}
{{- define "chat-usage-exporter.renamed" -}}
{{- $was := dict
      "serviceMonitor" "is now scrape with scrape.kind: ServiceMonitor (jobLabel is now scrape.job)"
      "podMonitor" "is now scrape with scrape.kind: PodMonitor (podTargetLabels is now scrape.targetLabels, jobLabel is now scrape.job)"
      "scrapeConfig" "is now scrape with scrape.kind: ScrapeConfig"
      "topologySpreadConstraints" "is now podSpec.topologySpreadConstraints" -}}
{{- $found := list -}}
{{- range $name, $now := $was -}}
{{- if hasKey $.Values $name -}}{{- $found = append $found (printf "%s: %s" $name $now) -}}{{- end -}}
{{- end -}}
{{- if hasKey (.Values.podDisruptionBudget | default dict) "enabled" -}}
{{- $found = append $found "podDisruptionBudget.enabled: podDisruptionBudget is now the specification itself, like {maxUnavailable: 0}; leave it empty for no budget" -}}
{{- end -}}
{{- if kindIs "map" (dig "egress" list (.Values.networkPolicy | default dict)) -}}
{{- $found = append $found "networkPolicy.egress: is now a list of complete rules; the ports of configured URLs are allowed by default" -}}
{{- end -}}
{{- with $found -}}
{{- fail (printf "some values were renamed; change them, and upgrade with --reset-then-reuse-values, not --reuse-values (README.md, Upgrading):\n  %s" (join "\n  " .)) -}}
{{- end -}}
{{- end -}}
