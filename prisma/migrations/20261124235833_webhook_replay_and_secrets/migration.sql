-- AlterTable
ALTER TABLE "webhook_deliveries" ADD COLUMN     "job_id" UUID;

-- CreateTable
CREATE TABLE "webhook_signing_secrets" (
    "tenant_id" TEXT NOT NULL,
    "secret" JSONB NOT NULL,
    "previous_secret" JSONB,
    "previous_until" TIMESTAMPTZ(3),
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "webhook_signing_secrets_pkey" PRIMARY KEY ("tenant_id")
);

-- CreateIndex
CREATE INDEX "reports_created_at_idx" ON "reports"("created_at");

-- CreateIndex
CREATE INDEX "webhook_deliveries_created_at_idx" ON "webhook_deliveries"("created_at");
