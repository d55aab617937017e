-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateTable
CREATE TABLE "queues" (
    "name" TEXT NOT NULL,
    "tier" INTEGER NOT NULL,
    "active" BOOLEAN NOT NULL DEFAULT true,
    "paused" BOOLEAN NOT NULL DEFAULT false,
    "paused_at" TIMESTAMPTZ(3),
    "paused_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "queues_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "jobs" (
    "id" UUID NOT NULL,
    "queue" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "priority" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "max_attempts" INTEGER NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "idempotency_key" TEXT,
    "payload" JSONB NOT NULL,
    "payload_version" INTEGER NOT NULL,
    "result" JSONB,
    "error" JSONB,
    "delivery" JSONB,
    "flow_id" UUID,
    "flow_step" TEXT,
    "request_id" TEXT,
    "trace_id" TEXT,
    "scheduled_for" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "jobs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "critical_jobs" (
    "id" UUID NOT NULL,
    "queue" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'pending',
    "priority" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "max_attempts" INTEGER NOT NULL,
    "timeout_ms" INTEGER NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "idempotency_key" TEXT,
    "idempotency_expires_at" TIMESTAMPTZ(3),
    "request_hash" BYTEA NOT NULL,
    "payload" JSONB NOT NULL,
    "payload_version" INTEGER NOT NULL,
    "result" JSONB,
    "error" JSONB,
    "flow_id" UUID,
    "flow_step" TEXT,
    "webhook_url" TEXT,
    "request_id" TEXT,
    "trace_id" TEXT,
    "fencing" BIGINT NOT NULL DEFAULT 0,
    "crashes" INTEGER NOT NULL DEFAULT 0,
    "leased_by" TEXT,
    "lease_until" TIMESTAMPTZ(3),
    "run_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "dispatched_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "attempt_log" JSONB NOT NULL DEFAULT '[]',
    "scheduled_for" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "critical_jobs_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "effects" (
    "id" UUID NOT NULL,
    "job_id" UUID,
    "name" TEXT NOT NULL,
    "origin" TEXT NOT NULL DEFAULT 'job',
    "provider" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "status" TEXT NOT NULL,
    "generation" INTEGER NOT NULL DEFAULT 0,
    "request" JSONB NOT NULL,
    "request_hash" BYTEA NOT NULL,
    "memo" JSONB,
    "response" JSONB,
    "provider_id" TEXT,
    "code" TEXT,
    "message" TEXT,
    "amount" BIGINT,
    "currency" TEXT,
    "tenant_id" TEXT NOT NULL,
    "fencing" BIGINT NOT NULL DEFAULT 0,
    "sends" INTEGER NOT NULL DEFAULT 0,
    "first_attempt_at" TIMESTAMPTZ(3),
    "last_attempt_at" TIMESTAMPTZ(3),
    "settled_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "effects_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "dead_letters" (
    "id" UUID NOT NULL,
    "job_id" UUID NOT NULL,
    "queue" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'open',
    "error" JSONB NOT NULL,
    "attempt_log" JSONB NOT NULL DEFAULT '[]',
    "attempts" INTEGER NOT NULL,
    "payload" JSONB NOT NULL,
    "payload_version" INTEGER NOT NULL,
    "priority" INTEGER NOT NULL,
    "max_attempts" INTEGER NOT NULL,
    "timeout_ms" INTEGER NOT NULL,
    "flow_id" UUID,
    "flow_step" TEXT,
    "redrives" INTEGER NOT NULL DEFAULT 0,
    "resolved_by" TEXT,
    "resolved_reason" TEXT,
    "resolved_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "dead_letters_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "flows" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "template" TEXT,
    "status" TEXT NOT NULL DEFAULT 'running',
    "tenant_id" TEXT NOT NULL,
    "idempotency_key" TEXT,
    "request_hash" BYTEA NOT NULL,
    "webhook_url" TEXT,
    "error" JSONB,
    "request_id" TEXT,
    "trace_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "flows_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "flow_steps" (
    "flow_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "queue" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'waiting',
    "payload" JSONB NOT NULL,
    "resolved" JSONB,
    "payload_version" INTEGER NOT NULL,
    "options" JSONB NOT NULL DEFAULT '{}',
    "depends_on" TEXT[],
    "on_failure" TEXT NOT NULL,
    "job_id" UUID,
    "dispatched_at" TIMESTAMPTZ(3),
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "result" JSONB,
    "error" JSONB,
    "compensation_type" TEXT,
    "compensation_queue" TEXT,
    "compensation_payload" JSONB,
    "compensation_resolved" JSONB,
    "compensation_version" INTEGER,
    "compensation_status" TEXT,
    "compensation_job_id" UUID,
    "compensation_result" JSONB,
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "flow_steps_pkey" PRIMARY KEY ("flow_id","name")
);

-- CreateTable
CREATE TABLE "schedules" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "queue" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "payload_version" INTEGER NOT NULL,
    "options" JSONB NOT NULL DEFAULT '{}',
    "cron" TEXT,
    "every_ms" BIGINT,
    "timezone" TEXT NOT NULL DEFAULT 'UTC',
    "starts_at" TIMESTAMPTZ(3),
    "ends_at" TIMESTAMPTZ(3),
    "active" BOOLEAN NOT NULL DEFAULT true,
    "overlap" TEXT NOT NULL DEFAULT 'skip',
    "catch_up" TEXT NOT NULL DEFAULT 'last',
    "catch_up_window_ms" BIGINT NOT NULL DEFAULT 86400000,
    "jitter_ms" INTEGER NOT NULL DEFAULT 0,
    "version" INTEGER NOT NULL DEFAULT 1,
    "next_run" TIMESTAMPTZ(3),
    "last_run" TIMESTAMPTZ(3),
    "last_job_id" UUID,
    "last_status" TEXT,
    "created_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "schedules_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "schedule_fires" (
    "schedule_id" UUID NOT NULL,
    "fire_at" TIMESTAMPTZ(3) NOT NULL,
    "status" TEXT NOT NULL,
    "job_id" UUID,
    "reason" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "fired_at" TIMESTAMPTZ(3),

    CONSTRAINT "schedule_fires_pkey" PRIMARY KEY ("schedule_id","fire_at")
);

-- CreateTable
CREATE TABLE "rate_limits" (
    "key" TEXT NOT NULL,
    "points" INTEGER NOT NULL,
    "window_ms" INTEGER NOT NULL,
    "used" INTEGER NOT NULL DEFAULT 0,
    "reset_at" TIMESTAMPTZ(3),
    "updated_by" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "rate_limits_pkey" PRIMARY KEY ("key")
);

-- CreateTable
CREATE TABLE "tenant_limits" (
    "tenant_id" TEXT NOT NULL,
    "weight" INTEGER NOT NULL DEFAULT 1,
    "max_running" INTEGER,
    "max_per_second" INTEGER,
    "updated_by" TEXT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenant_limits_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateTable
CREATE TABLE "queue_metrics" (
    "id" BIGSERIAL NOT NULL,
    "queue" TEXT NOT NULL,
    "resolution" INTEGER NOT NULL DEFAULT 15,
    "waiting" INTEGER NOT NULL,
    "active" INTEGER NOT NULL,
    "delayed" INTEGER NOT NULL,
    "completed" INTEGER NOT NULL,
    "failed" INTEGER NOT NULL,
    "paused" BOOLEAN NOT NULL DEFAULT false,
    "oldest_waiting_ms" BIGINT NOT NULL DEFAULT 0,
    "enqueued" INTEGER NOT NULL DEFAULT 0,
    "captured_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "queue_metrics_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_endpoints" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "description" TEXT,
    "events" TEXT[],
    "secret" JSONB NOT NULL,
    "previous_secret" JSONB,
    "previous_until" TIMESTAMPTZ(3),
    "active" BOOLEAN NOT NULL DEFAULT true,
    "disabled_reason" TEXT,
    "failing_since" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_endpoints_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "id" UUID NOT NULL,
    "endpoint_id" UUID,
    "tenant_id" TEXT NOT NULL,
    "url" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "subject_id" UUID NOT NULL,
    "body" JSONB NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'pending',
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "attempt_log" JSONB NOT NULL DEFAULT '[]',
    "dispatched_at" TIMESTAMPTZ(3),
    "delivered_at" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "provider_events" (
    "provider" TEXT NOT NULL,
    "event_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "object_id" TEXT,
    "job_id" UUID,
    "payload" JSONB NOT NULL,
    "occurred_at" TIMESTAMPTZ(3),
    "received_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "processed_at" TIMESTAMPTZ(3),
    "error" TEXT,

    CONSTRAINT "provider_events_pkey" PRIMARY KEY ("provider","event_id")
);

-- CreateTable
CREATE TABLE "suppressions" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "channel" TEXT NOT NULL,
    "hash" BYTEA NOT NULL,
    "address" JSONB NOT NULL,
    "reason" TEXT NOT NULL,
    "source" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "suppressions_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "audit_log" (
    "id" UUID NOT NULL,
    "actor" TEXT NOT NULL,
    "roles" TEXT[],
    "tenant_id" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "resource" TEXT NOT NULL,
    "resource_id" TEXT,
    "before" JSONB,
    "after" JSONB,
    "request_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "reports" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT NOT NULL,
    "job_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "format" TEXT NOT NULL,
    "from_time" TIMESTAMPTZ(3) NOT NULL,
    "to_time" TIMESTAMPTZ(3) NOT NULL,
    "location" TEXT NOT NULL,
    "rows" INTEGER NOT NULL,
    "bytes" BIGINT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "deleted_at" TIMESTAMPTZ(3),

    CONSTRAINT "reports_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "queues_active_idx" ON "queues"("active");

-- CreateIndex
CREATE INDEX "jobs_queue_idx" ON "jobs"("queue");

-- CreateIndex
CREATE INDEX "jobs_status_idx" ON "jobs"("status");

-- CreateIndex
CREATE INDEX "jobs_priority_idx" ON "jobs"("priority");

-- CreateIndex
CREATE INDEX "jobs_scheduled_for_idx" ON "jobs"("scheduled_for");

-- CreateIndex
CREATE INDEX "jobs_created_at_idx" ON "jobs"("created_at");

-- CreateIndex
CREATE INDEX "jobs_tenant_id_created_at_id_idx" ON "jobs"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "critical_jobs_queue_idx" ON "critical_jobs"("queue");

-- CreateIndex
CREATE INDEX "critical_jobs_status_idx" ON "critical_jobs"("status");

-- CreateIndex
CREATE INDEX "critical_jobs_priority_idx" ON "critical_jobs"("priority");

-- CreateIndex
CREATE INDEX "critical_jobs_scheduled_for_idx" ON "critical_jobs"("scheduled_for");

-- CreateIndex
CREATE INDEX "critical_jobs_created_at_idx" ON "critical_jobs"("created_at");

-- CreateIndex
CREATE INDEX "critical_jobs_tenant_id_created_at_id_idx" ON "critical_jobs"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "critical_jobs_undispatched_idx" ON "critical_jobs"("run_at") WHERE (status = 'pending' AND dispatched_at IS NULL);

-- CreateIndex
CREATE INDEX "critical_jobs_leased_idx" ON "critical_jobs"("lease_until") WHERE (status = 'processing');

-- CreateIndex
CREATE INDEX "critical_jobs_unfinished_idx" ON "critical_jobs"("id") WHERE (status = ANY (ARRAY['pending'::text, 'processing'::text]));

-- CreateIndex
CREATE INDEX "critical_jobs_expiring_keys_idx" ON "critical_jobs"("idempotency_expires_at") WHERE (idempotency_key IS NOT NULL);

-- CreateIndex
CREATE UNIQUE INDEX "critical_jobs_tenant_id_idempotency_key_key" ON "critical_jobs"("tenant_id", "idempotency_key");

-- CreateIndex
CREATE INDEX "effects_provider_provider_id_idx" ON "effects"("provider", "provider_id");

-- CreateIndex
CREATE INDEX "effects_provider_created_at_idx" ON "effects"("provider", "created_at");

-- CreateIndex
CREATE UNIQUE INDEX "effects_job_id_name_key" ON "effects"("job_id", "name");

-- CreateIndex
CREATE UNIQUE INDEX "dead_letters_job_id_key" ON "dead_letters"("job_id");

-- CreateIndex
CREATE INDEX "dead_letters_status_created_at_id_idx" ON "dead_letters"("status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "dead_letters_tenant_id_status_created_at_id_idx" ON "dead_letters"("tenant_id", "status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "dead_letters_queue_status_created_at_idx" ON "dead_letters"("queue", "status", "created_at");

-- CreateIndex
CREATE INDEX "flows_status_created_at_idx" ON "flows"("status", "created_at");

-- CreateIndex
CREATE INDEX "flows_tenant_id_created_at_id_idx" ON "flows"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "flows_tenant_id_idempotency_key_key" ON "flows"("tenant_id", "idempotency_key");

-- CreateIndex
CREATE INDEX "flow_steps_job_id_idx" ON "flow_steps"("job_id");

-- CreateIndex
CREATE INDEX "flow_steps_undispatched_idx" ON "flow_steps"("flow_id", "name") WHERE (status = 'pending' AND dispatched_at IS NULL);

-- CreateIndex
CREATE INDEX "flow_steps_running_idx" ON "flow_steps"("flow_id", "name") WHERE (status = ANY (ARRAY['pending'::text, 'processing'::text]));

-- CreateIndex
CREATE INDEX "schedules_queue_idx" ON "schedules"("queue");

-- CreateIndex
CREATE INDEX "schedules_name_idx" ON "schedules"("name");

-- CreateIndex
CREATE INDEX "schedules_active_next_run_idx" ON "schedules"("active", "next_run");

-- CreateIndex
CREATE UNIQUE INDEX "schedules_tenant_id_name_key" ON "schedules"("tenant_id", "name");

-- CreateIndex
CREATE INDEX "schedule_fires_status_fire_at_idx" ON "schedule_fires"("status", "fire_at");

-- CreateIndex
CREATE INDEX "schedule_fires_job_id_idx" ON "schedule_fires"("job_id");

-- CreateIndex
CREATE INDEX "rate_limits_reset_at_idx" ON "rate_limits"("reset_at");

-- CreateIndex
CREATE INDEX "queue_metrics_captured_at_idx" ON "queue_metrics"("captured_at");

-- CreateIndex
CREATE UNIQUE INDEX "queue_metrics_queue_resolution_captured_at_key" ON "queue_metrics"("queue", "resolution", "captured_at");

-- CreateIndex
CREATE INDEX "webhook_endpoints_tenant_id_active_idx" ON "webhook_endpoints"("tenant_id", "active");

-- CreateIndex
CREATE INDEX "webhook_deliveries_endpoint_id_created_at_idx" ON "webhook_deliveries"("endpoint_id", "created_at" DESC);

-- CreateIndex
CREATE INDEX "webhook_deliveries_tenant_id_created_at_id_idx" ON "webhook_deliveries"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "webhook_deliveries_subject_id_idx" ON "webhook_deliveries"("subject_id");

-- CreateIndex
CREATE INDEX "webhook_deliveries_undispatched_idx" ON "webhook_deliveries"("created_at") WHERE (status = 'pending' AND dispatched_at IS NULL);

-- CreateIndex
CREATE INDEX "provider_events_job_id_idx" ON "provider_events"("job_id");

-- CreateIndex
CREATE INDEX "provider_events_received_at_idx" ON "provider_events"("received_at");

-- CreateIndex
CREATE INDEX "suppressions_tenant_id_created_at_id_idx" ON "suppressions"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "suppressions_tenant_id_channel_hash_key" ON "suppressions"("tenant_id", "channel", "hash");

-- CreateIndex
CREATE INDEX "audit_log_created_at_id_idx" ON "audit_log"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_log_tenant_id_created_at_id_idx" ON "audit_log"("tenant_id", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "audit_log_resource_resource_id_idx" ON "audit_log"("resource", "resource_id");

-- CreateIndex
CREATE UNIQUE INDEX "reports_job_id_key" ON "reports"("job_id");

-- CreateIndex
CREATE INDEX "reports_tenant_id_created_at_id_idx" ON "reports"("tenant_id", "created_at" DESC, "id" DESC);

-- AddForeignKey
ALTER TABLE "effects" ADD CONSTRAINT "effects_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "critical_jobs"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "flow_steps" ADD CONSTRAINT "flow_steps_flow_id_fkey" FOREIGN KEY ("flow_id") REFERENCES "flows"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "schedule_fires" ADD CONSTRAINT "schedule_fires_schedule_id_fkey" FOREIGN KEY ("schedule_id") REFERENCES "schedules"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_endpoint_id_fkey" FOREIGN KEY ("endpoint_id") REFERENCES "webhook_endpoints"("id") ON DELETE CASCADE ON UPDATE CASCADE;
