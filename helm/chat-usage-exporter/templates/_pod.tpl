{{/* What all pods of the exporter share beside their containers. */}}
{{- define "chat-usage-exporter.everyPod" -}}
serviceAccountName: {{ include "chat-usage-exporter.serviceAccountName" . }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with include "chat-usage-exporter.imagePullSecrets" . }}
{{ . }}
{{- end }}
{{- with .Values.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- range $field := list "priorityClassName" "dnsPolicy" "dnsConfig" "hostAliases" "nodeSelector" "tolerations" "affinity" }}
{{- with index $.Values $field }}
{{ dict $field . | toYaml }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "chat-usage-exporter.pod" -}}
{{ include "chat-usage-exporter.everyPod" . }}
terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
{{- range $field := list "topologySpreadConstraints" "initContainers" }}
{{- with index $.Values $field }}
{{ dict $field . | toYaml }}
{{- end }}
{{- end }}
containers:
- name: exporter
  {{- include "chat-usage-exporter.container" . | nindent 2 }}
{{- with .Values.extraContainers }}
{{ toYaml . }}
{{- end }}
volumes:
{{- include "chat-usage-exporter.volumes" . | nindent 0 }}
{{- end -}}

{{- define "chat-usage-exporter.container" -}}
image: {{ include "chat-usage-exporter.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
args:
- serve
- --config.file=/etc/chat-usage-exporter/exporter.yml
- --web.listen-address=:{{ int .Values.containerPort }}
- --log.level={{ .Values.log.level }}
- --log.format={{ .Values.log.format }}
{{- if .Values.web.existingSecret }}
- --web.config.file=/etc/chat-usage-exporter/web/{{ .Values.web.key }}
{{- end }}
{{- with .Values.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- with .Values.extraEnv }}
env:
{{ toYaml . }}
{{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
{{ toYaml . }}
{{- end }}
ports:
- name: http
  containerPort: {{ int .Values.containerPort }}
  protocol: TCP
{{- range $kind := list "startupProbe" "livenessProbe" "readinessProbe" }}
{{- with index $.Values $kind }}
{{- $probe := deepCopy . }}
{{- if or $probe.tcpSocket $probe.exec $probe.grpc }}
{{- /* another way to ask is meant instead of the default's, beside which it stands here */}}
{{- $probe = omit $probe "httpGet" }}
{{- end }}
{{- if and $.Values.web.tls $probe.httpGet }}
{{- $_ := set $probe.httpGet "scheme" "HTTPS" }}
{{- end }}
{{ dict $kind $probe | toYaml }}
{{- end }}
{{- end }}
{{- with .Values.resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
{{- include "chat-usage-exporter.sourceMounts" . | nindent 0 }}
{{- if .Values.web.existingSecret }}
- name: web
  mountPath: /etc/chat-usage-exporter/web
  readOnly: true
{{- end }}
{{- if ne .Values.state.type "none" }}
- name: state
  mountPath: /var/lib/chat-usage-exporter
{{- end }}
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "chat-usage-exporter.volumes" -}}
{{ include "chat-usage-exporter.sourceVolumes" . }}
{{- with .Values.web.existingSecret }}
- name: web
  secret:
    secretName: {{ . }}
{{- end }}
{{- if eq .Values.state.type "emptyDir" }}
- name: state
  emptyDir:
    sizeLimit: {{ .Values.state.size }}
{{- else if eq .Values.state.type "persistentVolumeClaim" }}
- name: state
  persistentVolumeClaim:
    claimName: {{ .Values.state.existingClaim | default (printf "%s-state" (include "chat-usage-exporter.fullname" .)) }}
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Where the configuration, the keys and the authorities of the platforms are mounted. */}}
{{- define "chat-usage-exporter.sourceMounts" -}}
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
{{- end -}}

{{/* What they are. */}}
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
{{- fail "caBundle: configMap is set beside secret; keep one of the two" }}
{{- end }}
{{- with .Values.caBundle.configMap }}
- name: ca
  configMap:
    name: {{ . }}
    items:
    - key: {{ $.Values.caBundle.key | quote }}
      path: ca.crt
{{- end }}
{{- with .Values.caBundle.secret }}
- name: ca
  secret:
    secretName: {{ . }}
    items:
    - key: {{ $.Values.caBundle.key | quote }}
      path: ca.crt
{{- end }}
{{- end -}}
