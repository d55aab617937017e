-- CreateIndex
CREATE INDEX "critical_jobs_finished_idx" ON "critical_jobs"("finished_at") WHERE (finished_at IS NOT NULL);

-- CreateIndex
CREATE INDEX "jobs_finished_idx" ON "jobs"("finished_at") WHERE (finished_at IS NOT NULL);
