{{- define "chat-usage-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What every object's name starts with; 50, so that what follows it still fits into a label. */}}
{{- define "chat-usage-exporter.fullname" -}}
{{- $name := include "chat-usage-exporter.name" . -}}
{{- $joined := contains $name .Release.Name | ternary .Release.Name (printf "%s-%s" .Release.Name $name) -}}
{{- $full := .Values.fullnameOverride | default $joined | replace "." "-" | trunc 50 | trimSuffix "-" -}}
{{- if not (regexMatch "^[a-z]" $full) -}}
{{- fail (printf "the name %q: a Service's name starts with a letter; set fullnameOverride" $full) -}}
{{- end -}}
{{- $full -}}
{{- end -}}

{{- define "chat-usage-exporter.namespace" -}}
{{- .Values.namespaceOverride | default .Release.Namespace -}}
{{- end -}}

{{/* Where its Service is reached from any namespace. */}}
{{- define "chat-usage-exporter.host" -}}
{{ include "chat-usage-exporter.fullname" . }}.{{ include "chat-usage-exporter.namespace" . }}.svc
{{- end -}}

{{- define "chat-usage-exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "chat-usage-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* Labels by which the pods of the history are told from the exporter's, whose Service must not lead to them. */}}
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
