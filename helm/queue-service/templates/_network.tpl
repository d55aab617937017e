{{/* Ports of a rule, TCP: a list of numbers. */}}
{{- define "qs.tcpPorts" -}}
{{- range . }}
- {protocol: TCP, port: {{ int . }}}
{{- end }}
{{- end -}}

{{- define "qs.dnsEgress" -}}
{{- with .Values.networkPolicy.dns -}}
- to:
    {{- toYaml .to | nindent 4 }}
  ports:
    {{- range .ports }}
    - {protocol: UDP, port: {{ int . }}}
    - {protocol: TCP, port: {{ int . }}}
    {{- end }}
{{- end -}}
{{- end -}}

{{/* One store: {root, store, component}. Bundled ones by their labels, external ones by address. */}}
{{- define "qs.storeEgress" -}}
{{- $policy := get .root.Values.networkPolicy .store -}}
{{- if (get .root.Values.bundled .store).enabled -}}
- to:
    - podSelector:
        matchLabels:
          app.kubernetes.io/instance: {{ .root.Release.Name }}
          queue-service/store: {{ .store }}
  ports:
    - {protocol: TCP, port: {{ eq .store "redis" | ternary 6379 5432 }}}
{{- else if or $policy.cidrs $policy.to -}}
- to:
    {{- range $policy.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
    {{- with $policy.to }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports: {{- include "qs.tcpPorts" $policy.ports | nindent 4 }}
{{- end -}}
{{- end -}}

{{/* The internet, on some ports: {root, ports}. */}}
{{- define "qs.internetEgress" -}}
{{- $internet := .root.Values.networkPolicy.internet -}}
- to:
    {{- range $internet.cidrs }}
    - ipBlock:
        cidr: {{ . | quote }}
        {{- with contains ":" . | ternary $internet.except6 $internet.except4 }}
        except:
          {{- toYaml . | nindent 10 }}
        {{- end }}
    {{- end }}
  ports: {{- include "qs.tcpPorts" .ports | nindent 4 }}
{{- end -}}

{{/* A migration reaches PostgreSQL and nothing else. */}}
{{- define "qs.migratePolicySpec" -}}
podSelector:
  matchLabels:
    {{- include "qs.selectorLabels" (dict "root" . "component" "migrate") | nindent 4 }}
policyTypes: [Ingress, Egress]
egress:
  {{- include "qs.dnsEgress" . | nindent 2 }}
  {{- include "qs.storeEgress" (dict "root" . "store" "postgresql") | nindent 2 }}
{{- end -}}
