{{- define "chat-usage-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The start of every object's name; at most 50 characters, so that a name with its suffix still fits into a label. */}}
{{- define "chat-usage-exporter.fullname" -}}
{{- $name := include "chat-usage-exporter.name" . -}}
{{- $joined := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- $full := .Values.fullnameOverride | default $joined | replace "." "-" | trunc 50 | trimSuffix "-" -}}
{{- if not (regexMatch "^[a-z]" $full) -}}
{{- fail (printf "fullnameOverride: object names would start with %q, but a Service's name must start with a letter; set another name" $full) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{- define "chat-usage-exporter.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/* The host name of the Service, valid in all namespaces. */}}
{{- define "chat-usage-exporter.host" -}}
{{ include "chat-usage-exporter.fullname" . }}.{{ include "chat-usage-exporter.namespace" . }}.svc
{{- end -}}

{{- define "chat-usage-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "chat-usage-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Distinct from the exporter's, so that its Service does not select the history's pods. */}}
{{- define "chat-usage-exporter.historySelectorLabels" -}}
app.kubernetes.io/name: {{ include "chat-usage-exporter.name" . | trunc 55 | trimSuffix "-" }}-history
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chat-usage-exporter.testSelectorLabels" -}}
app.kubernetes.io/name: {{ include "chat-usage-exporter.name" . | trunc 58 | trimSuffix "-" }}-test
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: test
{{- end -}}

{{- define "chat-usage-exporter.serviceAccountName" -}}
{{- $own := .Values.serviceAccount.create | ternary (include "chat-usage-exporter.fullname" .) "default" -}}
{{- .Values.serviceAccount.name | default $own -}}
{{- end -}}

{{- define "chat-usage-exporter.image" -}}
{{- $registry := dig "imageRegistry" "" (.Values.global | default dict) | default .Values.image.registry -}}
{{- $name := empty $registry | ternary .Values.image.repository (printf "%s/%s" $registry .Values.image.repository) -}}
{{- $tag := .Values.image.tag | default .Chart.AppVersion -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" $name .Values.image.digest -}}
{{- else -}}
{{- hasPrefix "@" $tag | ternary $name (printf "%s:" $name) -}}{{- $tag -}}
{{- end -}}
{{- end -}}
