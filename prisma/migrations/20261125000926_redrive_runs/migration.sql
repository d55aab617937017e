-- AlterTable
ALTER TABLE "critical_jobs" ADD COLUMN     "claimed_at" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "redrive_runs" (
    "id" UUID NOT NULL,
    "tenant_id" TEXT,
    "filter" JSONB NOT NULL,
    "rate_per_second" INTEGER NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'running',
    "total" INTEGER NOT NULL,
    "redriven" INTEGER NOT NULL DEFAULT 0,
    "skipped" INTEGER NOT NULL DEFAULT 0,
    "after_at" TIMESTAMPTZ(3),
    "after_id" UUID,
    "error" JSONB,
    "created_by" TEXT NOT NULL,
    "roles" TEXT[],
    "request_id" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),
    "stopped_by" TEXT,

    CONSTRAINT "redrive_runs_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "redrive_runs_created_at_id_idx" ON "redrive_runs"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "redrive_runs_running_idx" ON "redrive_runs"("id") WHERE (status = 'running');
