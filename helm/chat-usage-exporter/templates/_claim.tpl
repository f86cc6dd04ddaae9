{{/*
A PersistentVolumeClaim.
in: (dict "root" $ "name" WHAT-IT-KEEPS "of" VALUES)
*/}}
{{- define "chat-usage-exporter.claim" -}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ include "chat-usage-exporter.fullname" .root }}-{{ .name }}
  namespace: {{ include "chat-usage-exporter.namespace" .root }}
  labels:
    {{- include "chat-usage-exporter.labels" .root | nindent 4 }}
  {{- with .of.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  accessModes: [{{ .of.accessMode }}]
  {{- with .of.storageClassName }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .of.size }}
{{ end -}}
