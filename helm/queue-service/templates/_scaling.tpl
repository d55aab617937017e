{{/* How fast a component grows and shrinks; slowly down, because nobody chooses which pod goes. */}}
{{- define "qs.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  selectPolicy: Max
  policies:
    - {type: Percent, value: 100, periodSeconds: {{ int .scaleUpPeriodSeconds }}}
    - {type: Pods, value: {{ int .scaleUpPodsPerPeriod }}, periodSeconds: {{ int .scaleUpPeriodSeconds }}}
scaleDown:
  stabilizationWindowSeconds: {{ int .scaleDownStabilizationSeconds }}
  policies:
    - {type: Pods, value: {{ int .scaleDownPodsPerPeriod }}, periodSeconds: {{ int .scaleDownPeriodSeconds }}}
{{- end -}}

{{/*
Triggers on the scheduler's gauges: {root, settings}. `max by` because a gauge may be shown by two replicas while the lead
changes. `waiting` counts prioritized jobs too. Running jobs count, or busy workers would be taken away; a paused queue counts nothing.
Only workers promote delayed jobs, so a fleet that may go to zero keeps one replica while there are any.
*/}}
{{- define "qs.prometheusTriggers" -}}
{{- $keda := .settings.autoscaling.keda -}}
{{- $prometheus := .root.Values.keda.prometheus -}}
{{- $selector := printf "%s,queue=%q" (tpl $prometheus.selector .root) .settings.queue | trimPrefix "," -}}
{{- $running := printf "(1 - max(queue_service_queue_paused{%s}))" $selector -}}
- type: prometheus
  name: backlog
  metricType: AverageValue
  {{- with $prometheus.authenticationRef }}
  authenticationRef: {name: {{ . }}}
  {{- end }}
  metadata:
    serverAddress: {{ $prometheus.serverAddress | quote }}
    query: {{ printf "sum(max by (state) (queue_service_queue_depth{%s,state=~\"waiting|active\"})) * %s" $selector $running | quote }}
    threshold: {{ $keda.backlogPerReplica | toString | quote }}
    activationThreshold: "0"
    ignoreNullValues: "false"
- type: prometheus
  name: age
  metricType: Value
  {{- with $prometheus.authenticationRef }}
  authenticationRef: {name: {{ . }}}
  {{- end }}
  metadata:
    serverAddress: {{ $prometheus.serverAddress | quote }}
    query: {{ printf "max(queue_service_queue_oldest_waiting_age_seconds{%s}) * %s" $selector $running | quote }}
    threshold: {{ $keda.oldestWaitingSeconds | toString | quote }}
    activationThreshold: "0"
    ignoreNullValues: "false"
{{- if eq (int .settings.autoscaling.minReplicas) 0 }}
- type: prometheus
  name: delayed
  metricType: AverageValue
  {{- with $prometheus.authenticationRef }}
  authenticationRef: {name: {{ . }}}
  {{- end }}
  metadata:
    serverAddress: {{ $prometheus.serverAddress | quote }}
    query: {{ printf "max(queue_service_queue_depth{%s,state=\"delayed\"}) * %s" $selector $running | quote }}
    # One replica, however many there are.
    threshold: "1000000000"
    activationThreshold: "0"
    ignoreNullValues: "false"
{{- end }}
{{- end -}}

{{/* Triggers that read BullMQ's own keys: {root, settings}. They know neither age nor pause. */}}
{{- define "qs.redisTriggers" -}}
{{- $redis := .root.Values.keda.redis -}}
{{- $settings := .settings -}}
{{- range $key := list "wait" "prioritized" "active" }}
- type: redis
  name: {{ $key }}
  metricType: AverageValue
  {{- with $redis.authenticationRef }}
  authenticationRef: {name: {{ . }}}
  {{- end }}
  metadata:
    address: {{ get $redis.addresses $settings.queue | quote }}
    listName: {{ printf "%s:%s:%s" $.root.Values.config.QUEUE_PREFIX $settings.queue $key | quote }}
    listLength: {{ $settings.autoscaling.keda.backlogPerReplica | toString | quote }}
    activationListLength: "0"
    enableTLS: {{ $redis.enableTLS | toString | quote }}
{{- end }}
{{- end -}}
