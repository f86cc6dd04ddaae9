{{/* Labels by which the pods of the history are told from the exporter's, whose Service must not lead to them. */}}
{{- define "chat-usage-exporter.historySelectorLabels" -}}
app.kubernetes.io/name: {{ include "chat-usage-exporter.name" . | trunc 55 | trimSuffix "-" }}-history
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chat-usage-exporter.historyPod" -}}
restartPolicy: Never
{{ include "chat-usage-exporter.everyPod" . }}
containers:
- name: history
  image: {{ include "chat-usage-exporter.image" . | quote }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
  - backfill
  - --continue
  - --config.file=/etc/chat-usage-exporter/exporter.yml
  - --from={{ .Values.history.from }}
  - --remote-write={{ .Values.history.remoteWriteUrl }}
  - --manifest=/var/lib/chat-usage-history/manifest
  {{- range $name, $value := .Values.history.labels }}
  - {{ printf "--label=%s=%s" $name $value | quote }}
  {{- end }}
  {{- if .Values.history.httpConfig.existingSecret }}
  - --http.config.file=/etc/chat-usage-exporter/store/{{ .Values.history.httpConfig.key }}
  {{- end }}
  {{- with .Values.extraEnv }}
  env:
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .Values.extraEnvFrom }}
  envFrom:
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .Values.history.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .Values.securityContext }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  volumeMounts:
  {{- include "chat-usage-exporter.sourceMounts" . | nindent 2 }}
  {{- if .Values.history.httpConfig.existingSecret }}
  - name: store
    mountPath: /etc/chat-usage-exporter/store
    readOnly: true
  {{- end }}
  - name: history
    mountPath: /var/lib/chat-usage-history
  - name: tmp
    mountPath: /tmp
volumes:
{{ include "chat-usage-exporter.sourceVolumes" . }}
{{- with .Values.history.httpConfig.existingSecret }}
- name: store
  secret:
    secretName: {{ . }}
{{- end }}
- name: history
  persistentVolumeClaim:
    claimName: {{ .Values.history.volume.existingClaim | default (printf "%s-history" (include "chat-usage-exporter.fullname" .)) }}
- name: tmp
  emptyDir:
    sizeLimit: 64Mi
{{- end -}}
