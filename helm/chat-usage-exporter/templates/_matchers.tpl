{{/* Converts matchers of Alertmanager ('severity=~"warning|info"') to the operator's format. in: the list */}}
{{- define "chat-usage-exporter.matchers" -}}
{{- $form := `^([a-zA-Z_]+)(=~|!~|!=|=)"(.*)"$` -}}
{{- $matchers := list -}}
{{- range . -}}
{{- if not (regexMatch $form .) -}}{{- fail (printf "files/alertmanager.example.yml: %s is not a matcher; write it like name=\"value\"" .) -}}{{- end -}}
{{- $matchers = append $matchers (dict
      "name" (regexReplaceAll $form . "${1}")
      "matchType" (regexReplaceAll $form . "${2}")
      "value" (regexReplaceAll $form . "${3}")) -}}
{{- end -}}
{{- /* as JSON: some YAML parsers do not read a bare = as a string */ -}}
{{- range $matchers }}
- {{ toJson . }}
{{- end }}
{{- end -}}

{{/* Refuses routes to receivers that do not exist: their alerts would be lost. in: .Values.alertmanagerConfig */}}
{{- define "chat-usage-exporter.onlyReceivers" -}}
{{- $names := list -}}
{{- range .receivers -}}{{- $names = append $names .name -}}{{- end -}}
{{- range $route := .routes -}}
{{- if and $route.receiver (not (has $route.receiver (append $names "nobody"))) -}}
{{- fail (printf "alertmanagerConfig.routes: no such receiver: %q; alertmanagerConfig.receivers has: %s" $route.receiver (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- range $severity := list "critical" "warning" "info" "watchdog" -}}
{{- $name := index $ $severity -}}
{{- if and (eq $severity "critical") (not $name) -}}
{{- fail "alertmanagerConfig.critical: not set; name one of alertmanagerConfig.receivers, which gets critical alerts" -}}
{{- end -}}
{{- if and $name (not (has $name $names)) -}}
{{- fail (printf "alertmanagerConfig.%s: no such receiver: %q; alertmanagerConfig.receivers has: %s" $severity $name (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
