-- DropIndex
DROP INDEX "flow_steps_running_idx";

-- DropIndex
DROP INDEX "flow_steps_undispatched_idx";

-- AlterTable
ALTER TABLE "critical_jobs" ADD COLUMN     "traceparent" TEXT;

-- AlterTable
ALTER TABLE "flow_steps" ADD COLUMN     "cancel_requested_at" TIMESTAMPTZ(3),
ADD COLUMN     "released_at" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "flows" ADD COLUMN     "traceparent" TEXT;

-- CreateIndex
CREATE INDEX "flow_steps_owed_idx" ON "flow_steps"("flow_id", "name") WHERE (status = 'pending' AND dispatched_at IS NULL AND queue <> 'money');

-- CreateIndex
CREATE INDEX "flow_steps_open_idx" ON "flow_steps"("flow_id", "name") WHERE (status = 'pending' AND queue <> 'money');

-- CreateIndex
CREATE INDEX "flow_steps_compensating_idx" ON "flow_steps"("flow_id", "name") WHERE (compensation_status = 'pending');

-- CreateIndex
CREATE INDEX "flow_steps_cancelling_idx" ON "flow_steps"("flow_id", "name") WHERE (status = 'pending' AND cancel_requested_at IS NOT NULL);
