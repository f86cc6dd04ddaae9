{{/*
The template of every pod of the release: one container, and the settings that all pods share.
in: (dict "root" $ "found" NAME-OF-SELECTOR-LABELS "container" MAP), and optionally "volumes" LIST, "annotations" MAP, "spec" MAP
*/}}
{{- define "chat-usage-exporter.podTemplate" -}}
{{- $values := .root.Values -}}
{{- $annotations := include "chat-usage-exporter.merged" (list $values.podAnnotations .annotations) | fromYaml -}}
metadata:
  labels:
    {{- include "chat-usage-exporter.labels" (dict "root" .root "labels" (list $values.podLabels) "found" .found) | nindent 4 }}
  {{- with $annotations }}
  annotations:
    {{- include "chat-usage-exporter.filled" (dict "root" $.root "value" .) | nindent 4 }}
  {{- end }}
spec:
  {{- $container := dict
        "image" (include "chat-usage-exporter.image" .root)
        "imagePullPolicy" $values.image.pullPolicy
        "securityContext" $values.securityContext }}
  {{- $container = include "chat-usage-exporter.merged" (list $container .container) | fromYaml }}
  {{- $spec := dict
        "serviceAccountName" (include "chat-usage-exporter.serviceAccountName" .root)
        "automountServiceAccountToken" $values.automountServiceAccountToken
        "enableServiceLinks" false
        "imagePullSecrets" (include "chat-usage-exporter.imagePullSecrets" .root | fromYamlArray)
        "securityContext" $values.podSecurityContext
        "volumes" .volumes }}
  {{- range $field := list "priorityClassName" "dnsPolicy" "dnsConfig" "hostAliases" "nodeSelector" "tolerations" "affinity" }}
  {{- $_ := set $spec $field (index $values $field) }}
  {{- end }}
  {{- $spec = include "chat-usage-exporter.merged" (list $spec .spec $values.podSpec) | fromYaml }}
  {{- $_ := set $spec "containers" (prepend ($spec.containers | default list) $container) }}
  {{- range $field, $value := $spec }}
  {{- if or (kindIs "bool" $value) $value }}
  {{- dict $field $value | toYaml | nindent 2 }}
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "chat-usage-exporter.imagePullSecrets" -}}
{{- range concat (dig "imagePullSecrets" list (.Values.global | default dict) | default list) .Values.imagePullSecrets }}
- {{ kindIs "string" . | ternary (dict "name" .) . | toJson }}
{{- end }}
{{- end -}}

{{/* Settings that the containers of exporter and history share: environment, and mounts of the configuration and its files. */}}
{{- define "chat-usage-exporter.sourceContainer" -}}
{{- with .Values.extraEnv }}
env:
{{ include "chat-usage-exporter.filled" (dict "root" $ "value" .) }}
{{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
{{ toYaml . }}
{{- end }}
volumeMounts:
- name: config
  mountPath: /etc/chat-usage-exporter/exporter.yml
  subPath: exporter.yml
  readOnly: true
- name: keys
  mountPath: {{ include "chat-usage-exporter.keys" . }}
  readOnly: true
{{- if or .Values.caBundle.configMap .Values.caBundle.secret }}
- name: ca
  mountPath: /etc/chat-usage-exporter/ca
  readOnly: true
{{- end }}
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The volumes of those mounts. */}}
{{- define "chat-usage-exporter.sourceVolumes" -}}
- name: config
  configMap:
    name: {{ include "chat-usage-exporter.fullname" . }}
- name: keys
  projected:
    sources:
    {{- range $name, $source := include "chat-usage-exporter.sources" . | fromJson }}
    {{- $secret := include "chat-usage-exporter.secretOf" (dict "root" $ "name" $name "source" $source) | fromJson }}
    - secret:
        name: {{ $secret.name }}
        items:
        - key: {{ $secret.key | quote }}
          path: {{ $name }}
    {{- end }}
{{- if and .Values.caBundle.configMap .Values.caBundle.secret }}
{{- fail "caBundle: both configMap and secret are set; remove one" }}
{{- end }}
{{- if or .Values.caBundle.configMap .Values.caBundle.secret }}
- name: ca
  projected:
    sources:
    - {{ empty .Values.caBundle.secret | ternary "configMap" "secret" }}:
        name: {{ .Values.caBundle.secret | default .Values.caBundle.configMap }}
        items:
        - key: {{ .Values.caBundle.key | quote }}
          path: ca.crt
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
