{{/* To whom the pods that ask the platforms may speak. */}}
{{- define "chat-usage-exporter.egress" -}}
# names
- ports:
  - port: 53
    protocol: UDP
  - port: 53
    protocol: TCP
  {{- with .Values.networkPolicy.egress.dns }}
  to:
  {{- toYaml . | nindent 2 }}
  {{- end }}
# the platforms, or the proxy before them
- ports:
  {{- range .Values.networkPolicy.egress.ports }}
  - port: {{ int . }}
    protocol: TCP
  {{- end }}
  {{- with .Values.networkPolicy.egress.to }}
  to:
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.networkPolicy.egress.extra }}
{{ toYaml . }}
{{- end }}
{{- end -}}
