{{/*
The groups of alert_rules/*.yml, changed according to the values. They are parsed as data and never rendered: their own
templates ({{ `{{ $labels.company }}` }}) are for Prometheus.
*/}}
{{- define "chat-usage-exporter.ruleGroups" -}}
{{- $wanted := .Values.prometheusRule -}}
{{- $groups := list -}}
{{- $known := dict "groups" dict "alerts" dict "optional" dict -}}
{{- range $path, $_ := .Files.Glob "rules/**.yml" -}}
{{- $isOptional := contains "/optional/" $path -}}
{{- range $group := ($.Files.Get $path | fromYaml).groups -}}
{{- $_ := set $known.groups $group.name true -}}
{{- $rules := list -}}
{{- range $rule := $group.rules -}}
{{- if $rule.alert -}}
{{- $_ := set $known.alerts $rule.alert true -}}
{{- if $isOptional -}}{{- $_ := set $known.optional $rule.alert true -}}{{- end -}}
{{- $isOn := or (not $isOptional) (has $rule.alert $wanted.optional) (has "*" $wanted.optional) -}}
{{- $isOff := or (has $rule.alert $wanted.disabled) (eq false (dig $group.name "enabled" true $wanted.groups)) -}}
{{- if and $isOn (not $isOff) -}}
{{- $rules = append $rules (include "chat-usage-exporter.alert" (dict "rule" $rule "root" $) | fromJson) -}}
{{- end -}}
{{- else -}}
{{- /* recording rules stay if a group's alerts are disabled, because other groups use them */ -}}
{{- $rules = append $rules $rule -}}
{{- end -}}
{{- end -}}
{{- if $rules -}}
{{- $groups = append $groups (set (deepCopy $group) "rules" $rules) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- include "chat-usage-exporter.onlyKnown" (dict "wanted" $wanted "known" $known) -}}
{{- concat $groups $wanted.additionalGroups | toYaml -}}
{{- end -}}

{{/* One alert with the labels, severity, duration, job and URLs from the values, as JSON. */}}
{{- define "chat-usage-exporter.alert" -}}
{{- $wanted := .root.Values.prometheusRule -}}
{{- $rule := deepCopy .rule -}}
{{- if .root.Values.alertmanagerConfig.enabled -}}
{{- /* The operator lets an AlertmanagerConfig match only alerts with its own namespace as a label. With a fixed label, alerts of two
       namespaces would be equal, so the expression is limited to this release's namespace and to series without one.
       ChatUsageRulesFailing, whose series have the namespace of Prometheus, drops that label instead. */ -}}
{{- if ne .rule.alert "ChatUsageRulesFailing" -}}
{{- $_ := set $rule "expr" (printf "(\n%s\n)\nand on (namespace) (label_replace(vector(1), \"namespace\", %q, \"\", \"\") or vector(1))\n" (trimSuffix "\n" $rule.expr) (include "chat-usage-exporter.namespace" .root)) -}}
{{- else -}}
{{- $_ := set $rule "expr" (printf "max without (namespace) (%s)" $rule.expr) -}}
{{- end -}}
{{- $_ := set $rule.labels "namespace" (.root.Values.alertmanagerConfig.namespace | default (include "chat-usage-exporter.namespace" .root)) -}}
{{- end -}}
{{- $_ := set $rule "labels" (merge $rule.labels $wanted.additionalLabels) -}}
{{- with index $wanted.severityOverrides $rule.alert -}}
{{- if contains "$labels.severity" $rule.labels.severity -}}
{{- /* otherwise a warning limit and a critical limit of one company would become the same alert */ -}}
{{- $_ := set $rule "expr" (printf "max without (severity) (\n%s\n)\n" (trimSuffix "\n" $rule.expr)) -}}
{{- end -}}
{{- $_ := set $rule.labels "severity" . -}}
{{- end -}}
{{- with index $wanted.forOverrides $rule.alert -}}{{- $_ := set $rule "for" . -}}{{- end -}}
{{- range $annotation, $text := $rule.annotations -}}
{{- $text = $text | replace "https://grafana.example.org" (trimSuffix "/" $wanted.dashboardBaseUrl) -}}
{{- $_ := set $rule.annotations $annotation (include "chat-usage-exporter.ownUids" (dict "root" $.root "text" $text)) -}}
{{- end -}}
{{- $_ := set $rule "expr" ($rule.expr | replace `job="chat-usage-exporter"` (printf `job="%s"` (include "chat-usage-exporter.job" .root))) -}}
{{- toJson $rule -}}
{{- end -}}

{{/* Refuses names of alerts and groups that do not exist: a misspelt alert would keep firing. */}}
{{- define "chat-usage-exporter.onlyKnown" -}}
{{- $alerts := keys .known.alerts | sortAlpha -}}
{{- $groups := keys .known.groups | sortAlpha -}}
{{- $optional := keys .known.optional | sortAlpha -}}
{{- $kinds := list
    (list "disabled" "alert" .wanted.disabled $alerts)
    (list "optional" "optional alert" (without .wanted.optional "*") $optional)
    (list "severityOverrides" "alert" (keys .wanted.severityOverrides) $alerts)
    (list "forOverrides" "alert" (keys .wanted.forOverrides) $alerts)
    (list "groups" "group" (keys .wanted.groups) $groups) -}}
{{- $identity := list "activity" "alertname" "basis" "bound" "cluster" "company" "company_id" "instance" "invariant" "job" "job_name" "kind" "name" "namespace" "option" "reason" "report" "rule_group" "source" "tool" "window" -}}
{{- range $label, $_ := .wanted.additionalLabels -}}
{{- if has $label $identity -}}
{{- fail (printf "prometheusRule.additionalLabels.%s: alerts already use this label; choose another name" $label) -}}
{{- end -}}
{{- end -}}
{{- range $kind := $kinds -}}
{{- range $name := index $kind 2 -}}
{{- if not (has $name (index $kind 3)) -}}
{{- fail (printf "prometheusRule.%s: no such %s: %q; known: %s" (index $kind 0) (index $kind 1) $name (join ", " (index $kind 3))) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
