-- CreateIndex
CREATE INDEX "dead_letters_created_at_id_idx" ON "dead_letters"("created_at" DESC, "id" DESC);

-- An error that few have is else looked for among all of them.
CREATE INDEX "dead_letters_code_idx" ON "dead_letters"(("error" ->> 'code'), "status", "created_at" DESC, "id" DESC);
