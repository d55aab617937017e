-- AlterTable
ALTER TABLE "critical_jobs" ADD COLUMN     "settling" JSONB,
ADD COLUMN     "settling_since" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "effects" ADD COLUMN     "doubted" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN     "refused_ids" TEXT[] DEFAULT ARRAY[]::TEXT[];

-- CreateIndex
CREATE INDEX "critical_jobs_settling_idx" ON "critical_jobs"("settling_since") WHERE (settling_since IS NOT NULL AND (status = ANY (ARRAY['pending'::text, 'processing'::text])));

-- A payment, refund or payout counts as done only once the provider has decided; what a running job waits for is not.
UPDATE "effects" e SET "status" = 'unknown' FROM "critical_jobs" j
WHERE j."id" = e."job_id" AND j."status" IN ('pending', 'processing') AND e."status" = 'confirmed'
  AND e."operation" IN ('payment_intents.create', 'refunds.create', 'payouts.create');

-- Few rows: an effect is open only while its job runs. A code says that the last try had ended before anything left; one
-- before it may have happened all the same.
UPDATE "effects" SET
  "status" = CASE WHEN "origin" = 'provider' THEN 'unknown' WHEN "code" IS NULL THEN 'sent' WHEN "sends" > 1 THEN 'unknown' ELSE 'planned' END,
  "doubted" = "sends" > 1
WHERE "status" = 'intended';
UPDATE "effects" SET "doubted" = true WHERE "status" = 'unknown' AND "sends" > 1;
