{{/* Matchers of Alertmanager ('severity=~"warning|info"') as the operator writes them. in: the list */}}
{{- define "chat-usage-exporter.matchers" -}}
{{- $form := `^([a-zA-Z_]+)(=~|!~|!=|=)"(.*)"$` -}}
{{- $matchers := list -}}
{{- range . -}}
{{- if not (regexMatch $form .) -}}{{- fail (printf "files/alertmanager.example.yml: %s is no matcher" .) -}}{{- end -}}
{{- $matchers = append $matchers (dict
      "name" (regexReplaceAll $form . "${1}")
      "matchType" (regexReplaceAll $form . "${2}")
      "value" (regexReplaceAll $form . "${3}")) -}}
{{- end -}}
{{- /* as JSON: to some readers of YAML a bare = is not a text */ -}}
{{- range $matchers }}
- {{ toJson . }}
{{- end }}
{{- end -}}

{{/* Refuses routes to nobody: an alert would be lost in silence. in: .Values.alertmanagerConfig */}}
{{- define "chat-usage-exporter.onlyReceivers" -}}
{{- $names := list -}}
{{- range .receivers -}}{{- $names = append $names .name -}}{{- end -}}
{{- range $route := .routes -}}
{{- if and $route.receiver (not (has $route.receiver (append $names "nobody"))) -}}
{{- fail (printf "alertmanagerConfig.routes: there is no receiver %q in alertmanagerConfig.receivers; there are: %s" $route.receiver (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- range $severity := list "critical" "warning" "info" "watchdog" -}}
{{- $name := index $ $severity -}}
{{- if and (eq $severity "critical") (not $name) -}}
{{- fail "alertmanagerConfig.critical: name the receiver of critical alerts, one of alertmanagerConfig.receivers" -}}
{{- end -}}
{{- if and $name (not (has $name $names)) -}}
{{- fail (printf "alertmanagerConfig.%s: there is no receiver %q in alertmanagerConfig.receivers; there are: %s" $severity $name (join ", " $names)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
