{{/* The port of a URL. in: the URL */}}
{{- define "chat-usage-exporter.portOf" -}}
{{- $url := urlParse (contains "://" . | ternary . (printf "http://%s" .)) -}}
{{- regexFind `:[0-9]+$` $url.host | trimPrefix ":" | default (eq $url.scheme "https" | ternary "443" "80") -}}
{{- end -}}

{{/*
The URLs that the pods connect to, as JSON, keyed by the value that sets them: each source's URL, or its proxy's if it has one, and
the proxies in the environment.
*/}}
{{- define "chat-usage-exporter.urls" -}}
{{- $urls := dict -}}
{{- range $name, $source := include "chat-usage-exporter.sources" . | fromJson -}}
{{- if $source.proxy_url -}}
{{- $_ := set $urls (printf "sources.%s.proxy_url" $name) $source.proxy_url -}}
{{- else -}}
{{- $_ := set $urls (printf "sources.%s.base_url" $name) ($source.base_url | default "https://") -}}
{{- end -}}
{{- end -}}
{{- range $variable := .Values.extraEnv -}}
{{- if and (has (lower $variable.name) (list "https_proxy" "http_proxy" "all_proxy")) $variable.value -}}
{{- $_ := set $urls (printf "extraEnv %s" $variable.name) (tpl $variable.value $) -}}
{{- end -}}
{{- end -}}
{{- toJson $urls -}}
{{- end -}}

{{/* Egress rules: DNS, and the ports of all URLs. in: (dict "root" $ "urls" MORE-URLS-BY-NAME) */}}
{{- define "chat-usage-exporter.egress" -}}
{{- $urls := include "chat-usage-exporter.urls" .root | fromJson -}}
{{- range $name, $url := .urls -}}{{- if $url -}}{{- $_ := set $urls $name $url -}}{{- end -}}{{- end -}}
{{- $ports := dict -}}
{{- range $place, $url := $urls -}}
{{- $_ := set $ports (include "chat-usage-exporter.portOf" $url) $place -}}
{{- end -}}
{{- with .root.Values.networkPolicy.egress -}}
{{- range $port, $place := $ports -}}
{{- if not (include "chat-usage-exporter.letsOut" (dict "rules" $.root.Values.networkPolicy.egress "port" $port)) -}}
{{- fail (printf "networkPolicy.egress: no rule allows port %s, which %s needs; add one" $port $place) -}}
{{- end -}}
{{- end -}}
{{- toYaml . -}}
{{- else -}}
# DNS
- ports:
  - port: 53
    protocol: UDP
  - port: 53
    protocol: TCP
# the platforms or their proxies, and the store
- ports:
  {{- range $port := keys $ports | sortAlpha }}
  - port: {{ $port }}
    protocol: TCP
  {{- end }}
{{- end -}}
{{- end -}}

{{/* Not empty if a rule allows a TCP port. A named port may be any port. in: (dict "rules" LIST "port" TEXT) */}}
{{- define "chat-usage-exporter.letsOut" -}}
{{- range .rules -}}
{{- if not .ports -}}any{{- end -}}
{{- range .ports -}}
{{- if eq (.protocol | default "TCP") "TCP" -}}
{{- if or (not .port) (and (kindIs "string" .port) (not (regexMatch "^[0-9]+$" .port))) -}}any
{{- else if and (le (int .port) (int $.port)) (le (int $.port) (int (.endPort | default .port))) -}}yes
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
