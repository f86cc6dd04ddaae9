{{/*
What ServiceMonitor and PodMonitor share in an endpoint.
in: (dict "root" $ "monitor" .Values.serviceMonitor)
*/}}
{{- define "chat-usage-exporter.endpoint" -}}
port: http
path: /metrics
scheme: {{ .monitor.scheme | default (.root.Values.web.tls | ternary "https" "http") }}
{{- range $field := list "interval" "scrapeTimeout" "tlsConfig" "basicAuth" "metricRelabelings" }}
{{- with index $.monitor $field }}
{{ dict $field . | toYaml }}
{{- end }}
{{- end }}
{{- if .monitor.honorLabels }}
honorLabels: true
{{- end }}
{{- $relabelings := .monitor.relabelings }}
{{- if not .monitor.jobLabel }}
{{- /* the job by which the alert ChatUsageExporterDown knows the exporter, whatever the release is called */}}
{{- $relabelings = prepend $relabelings (dict "action" "replace" "targetLabel" "job" "replacement" "chat-usage-exporter") }}
{{- end }}
{{- with $relabelings }}
relabelings:
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What they share beside it: limits, labels to take over, and which objects they are about. */}}
{{- define "chat-usage-exporter.monitored" -}}
{{- with .monitor.jobLabel }}
jobLabel: {{ . }}
{{- end }}
{{- range $field := list "sampleLimit" "labelLimit" }}
{{- with index $.monitor $field }}
{{ $field }}: {{ int64 . }}
{{- end }}
{{- end }}
namespaceSelector:
  matchNames: [{{ include "chat-usage-exporter.namespace" .root }}]
selector:
  matchLabels:
    {{- include "chat-usage-exporter.selectorLabels" .root | nindent 4 }}
{{- end -}}

{{/* Metadata of an object that Prometheus' operator picks up by its labels. in: (dict "root" $ "of" VALUES) */}}
{{- define "chat-usage-exporter.pickedUp" -}}
name: {{ include "chat-usage-exporter.fullname" .root }}
namespace: {{ .of.namespace | default (include "chat-usage-exporter.namespace" .root) }}
labels:
  {{- include "chat-usage-exporter.labels" .root | nindent 2 }}
  {{- with .of.labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .of.annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
