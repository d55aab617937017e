{{/*
Every Deployment of the release with its settings, defaults filled in, as a YAML map by component name.
`group` is the Secret group and the egress of its kind, `app` the folder under apps/.
*/}}
{{- define "qs.components" -}}
{{- $defaults := .Values.defaults -}}
{{- $components := dict -}}
{{- $api := mergeOverwrite (deepCopy $defaults) (deepCopy .Values.api) (dict "app" "api" "group" "api" "portName" "http" "port" 3011 "ready" "/api/v1/queue/health/ready") -}}
{{- $_ := set $components "api" $api -}}
{{- $scheduler := mergeOverwrite (deepCopy $defaults) (deepCopy .Values.scheduler) (dict "app" "scheduler" "group" "scheduler" "portName" "ops" "port" 9464 "ready" "/health/ready") -}}
{{- $_ := set $components "scheduler" $scheduler -}}
{{- range $name, $own := .Values.workers -}}
{{- $queue := default $name $own.queue -}}
{{- $worker := mergeOverwrite (deepCopy $defaults) (deepCopy $own) (dict "app" (printf "worker-%s" $queue) "queue" $queue "group" $queue "portName" "ops" "port" 9464 "ready" "/health/ready") -}}
{{- $_ := set $components (printf "worker-%s" $name) $worker -}}
{{- end -}}
{{- range $name, $one := $components -}}
{{- if not $one.enabled -}}{{- $_ := unset $components $name -}}{{- end -}}
{{- end -}}
{{- toYaml $components -}}
{{- end -}}

{{/* The fewest replicas that are wanted of a component. */}}
{{- define "qs.minReplicas" -}}
{{- if eq .autoscaling.type "none" -}}{{- int .replicaCount -}}{{- else -}}{{- int .autoscaling.minReplicas -}}{{- end -}}
{{- end -}}

{{/* hook, job or none. A hook runs before anything of this release exists, so it cannot use what the release makes. */}}
{{- define "qs.migrationMode" -}}
{{- if ne .Values.migrations.mode "auto" -}}
{{- .Values.migrations.mode -}}
{{- else if or .Values.bundled.postgresql.enabled (eq .Values.secrets.mode "externalSecrets") -}}
job
{{- else -}}
hook
{{- end -}}
{{- end -}}
