-- CreateTable
CREATE TABLE "alert_notices" (
    "incident_id" UUID NOT NULL,
    "channel" TEXT NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "retry_at" TIMESTAMPTZ(3) NOT NULL,
    "told_at" TIMESTAMPTZ(3),
    "told_severity" TEXT,
    "told_count" INTEGER NOT NULL DEFAULT 0,
    "done_at" TIMESTAMPTZ(3),

    CONSTRAINT "alert_notices_pkey" PRIMARY KEY ("incident_id","channel")
);

-- CreateIndex
CREATE INDEX "alert_notices_undone_idx" ON "alert_notices"("channel", "retry_at") WHERE (done_at IS NULL);

-- AddForeignKey
ALTER TABLE "alert_notices" ADD CONSTRAINT "alert_notices_incident_id_fkey" FOREIGN KEY ("incident_id") REFERENCES "incidents"("id") ON DELETE CASCADE ON UPDATE CASCADE;
