{{/* Secret variables by group, with whether a process cannot start without. The only place that says who gets which. */}}
{{- define "qs.secretVariables" -}}
stores: {DATABASE_URL: true, REDIS_URL: false, REDIS_MONEY_URL: false, REDIS_COMMUNICATION_URL: false, REDIS_BACKGROUND_URL: false, PAYLOAD_ENCRYPTION_KEYS: false}
api: {JWT_SECRET: false, JWT_PUBLIC_KEY: false, METRICS_TOKEN: false, STRIPE_WEBHOOK_SECRET: false, TWILIO_AUTH_TOKEN: false, AWS_ACCESS_KEY_ID: false, AWS_SECRET_ACCESS_KEY: false}
scheduler: {ALERT_SLACK_WEBHOOK_URL: false, ALERT_PAGERDUTY_ROUTING_KEY: false, ALERT_WEBHOOK_URL: false, ALERT_WEBHOOK_SECRET: false}
money: {STRIPE_SECRET_KEY: true, SOLANA_RPC_URL: true, SOLANA_MINT_AUTHORITY: true}
communication: {SENDGRID_API_KEY: true, TWILIO_AUTH_TOKEN: true, VAPID_PRIVATE_KEY: true, FCM_SERVICE_ACCOUNT: true, SMTP_URL: false, SENDGRID_FROM: false, TWILIO_ACCOUNT_SID: false, TWILIO_FROM: false, VAPID_PUBLIC_KEY: false, VAPID_SUBJECT: false}
background: {SEGMENT_WRITE_KEY: true, AWS_ACCESS_KEY_ID: false, AWS_SECRET_ACCESS_KEY: false}
{{- end -}}

{{/* The Secret a variable is read from: {root, group, variable}. Bundled stores bring their addresses in a Secret of their own. */}}
{{- define "qs.secretOf" -}}
{{- $bundled := .root.Values.bundled -}}
{{- if or (and $bundled.postgresql.enabled (eq .variable "DATABASE_URL")) (and $bundled.redis.enabled (hasPrefix "REDIS_" .variable)) -}}
{{- printf "%s-bundled" (include "qs.fullname" .root) -}}
{{- else -}}
{{- include "qs.secretName" . -}}
{{- end -}}
{{- end -}}

{{/* One entry of `env` that reads a Secret: {root, group, variable, key, required}. */}}
{{- define "qs.secretEnv" -}}
- name: {{ .variable }}
  valueFrom:
    secretKeyRef:
      name: {{ include "qs.secretOf" . }}
      key: {{ default .variable .key }}
      {{- if not .required }}
      optional: true
      {{- end }}
{{- end -}}

{{- define "qs.shutdownGraceMs" -}}
{{- mul (sub (int .terminationGracePeriodSeconds) (add (int .preStopSleepSeconds) (int .drainMarginSeconds))) 1000 -}}
{{- end -}}

{{- define "qs.commonEnv" -}}
- name: NODE_OPTIONS
  value: {{ default .Values.defaults.nodeOptions .nodeOptions | quote }}
{{- if .Values.caSecret.name }}
- name: NODE_EXTRA_CA_CERTS
  value: /etc/queue-service/ca/{{ .Values.caSecret.key }}
{{- end }}
{{- end -}}

{{/* `env` of a component: {root, component, settings}. */}}
{{- define "qs.env" -}}
{{- $root := .root -}}
{{- $one := .settings -}}
{{ include "qs.commonEnv" (dict "Values" $root.Values "nodeOptions" $one.nodeOptions) }}
- name: {{ eq $one.group "api" | ternary "PORT" "OPS_PORT" }}
  value: {{ $one.port | quote }}
- name: SHUTDOWN_GRACE_MS
  value: {{ include "qs.shutdownGraceMs" $one | quote }}
{{- if hasKey $one "queue" }}
- name: WORKER_CONCURRENCY
  value: {{ default 10 $one.concurrency | quote }}
{{- end }}
{{- $variables := include "qs.secretVariables" $root | fromYaml }}
{{- range $group := list "stores" $one.group }}
{{- range $variable, $required := get $variables $group }}
{{- $key := and (eq $variable "DATABASE_URL") (eq $one.app "scheduler") | ternary $root.Values.directDatabaseUrlKey $variable }}
{{ include "qs.secretEnv" (dict "root" $root "group" $group "variable" $variable "key" $key "required" $required) }}
{{- end }}
{{- end }}
{{- with $one.extraEnv }}
{{ tpl (toYaml .) $root }}
{{- end }}
{{- end -}}
