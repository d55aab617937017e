{{/* What the restricted profile asks of every pod. */}}
{{- define "qs.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: {{ default 10001 .uid }}
runAsGroup: {{ default 10001 .uid }}
fsGroup: {{ default 10001 .uid }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "qs.containerSecurityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "qs.volumeMounts" -}}
- name: tmp
  mountPath: /tmp
{{- if .Values.caSecret.name }}
- name: ca
  mountPath: /etc/queue-service/ca
  readOnly: true
{{- end }}
{{- end -}}

{{- define "qs.volumes" -}}
- name: tmp
  emptyDir:
    sizeLimit: 1Gi
{{- if .Values.caSecret.name }}
- name: ca
  secret:
    secretName: {{ .Values.caSecret.name }}
    items:
      - key: {{ .Values.caSecret.key }}
        path: {{ .Values.caSecret.key }}
{{- end }}
{{- end -}}

{{/* The head of a pod spec that all pods of this image share. */}}
{{- define "qs.podBase" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- include "qs.podSecurityContext" (dict) | nindent 2 }}
{{- end -}}

{{- define "qs.containerBase" -}}
image: {{ include "qs.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- include "qs.containerSecurityContext" . | nindent 2 }}
{{- end -}}
