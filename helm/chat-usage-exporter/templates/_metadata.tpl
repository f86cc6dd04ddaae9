{{/* Merges maps, as YAML; the last map that has a key wins. in: the maps */}}
{{- define "chat-usage-exporter.merged" -}}
{{- $merged := dict -}}
{{- range . -}}
{{- range $key, $value := . -}}
{{- $_ := set $merged $key $value -}}
{{- end -}}
{{- end -}}
{{- toYaml $merged -}}
{{- end -}}

{{/* Values as YAML, with their templates rendered. in: (dict "root" $ "value" VALUE) */}}
{{- define "chat-usage-exporter.filled" -}}
{{- $text := kindIs "string" .value | ternary .value (toYaml .value) -}}
{{- contains "{{" $text | ternary (tpl $text .root) $text -}}
{{- end -}}

{{/*
Labels of an object or a pod. Selector labels come last, so that no value can override them.
in: (dict "root" $), and optionally "labels" (list MAPS) and "found" NAME-OF-SELECTOR-LABELS
*/}}
{{- define "chat-usage-exporter.labels" -}}
{{- $version := (split "@" (.root.Values.image.tag | default .root.Chart.AppVersion))._0 | default .root.Chart.AppVersion -}}
{{- $standard := dict
      "app.kubernetes.io/version" ($version | trunc 63 | trimAll "-_.")
      "app.kubernetes.io/managed-by" .root.Release.Service
      "helm.sh/chart" (printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-") -}}
{{- $release := empty .root.Values.releaseLabel | ternary dict (dict "release" .root.Values.releaseLabel) -}}
{{- $found := include (printf "chat-usage-exporter.%s" (.found | default "selectorLabels")) .root | fromYaml -}}
{{- include "chat-usage-exporter.merged" (concat (list $standard .root.Values.commonLabels $release) (.labels | default list) (list $found)) -}}
{{- end -}}

{{/*
Metadata of an object.
in: (dict "root" $), and optionally "suffix" of its name, "name", "namespace", "labels" (list MAPS), "annotations" MAP, "found"
*/}}
{{- define "chat-usage-exporter.metadata" -}}
{{- $own := include "chat-usage-exporter.namespace" .root -}}
{{- $namespace := .namespace | default $own -}}
{{- /* in a shared namespace, another release with this name may already own an object */ -}}
{{- $first := eq $namespace $own | ternary "" (printf "%s-" $own) -}}
name: {{ .name | default (printf "%s%s%s" $first (include "chat-usage-exporter.fullname" .root) (.suffix | default "")) }}
namespace: {{ $namespace }}
labels:
  {{- include "chat-usage-exporter.labels" . | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- include "chat-usage-exporter.filled" (dict "root" $.root "value" .) | nindent 2 }}
{{- end }}
{{- end -}}

{{/* A PersistentVolumeClaim. in: (dict "root" $ "suffix" NAME-SUFFIX "of" VALUES) */}}
{{- define "chat-usage-exporter.claim" -}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "chat-usage-exporter.metadata" (dict "root" .root "suffix" .suffix "annotations" .of.annotations) | nindent 2 }}
spec:
  accessModes: [{{ .of.accessMode }}]
  {{- with .of.storageClassName }}
  storageClassName: {{ . | quote }}
  {{- end }}
  resources:
    requests:
      storage: {{ .of.size }}
{{ end -}}
