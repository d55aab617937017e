-- CreateTable
CREATE TABLE "tenant_accounts" (
    "tenant_id" TEXT NOT NULL,
    "account_id" TEXT NOT NULL,
    "note" TEXT,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "tenant_accounts_pkey" PRIMARY KEY ("tenant_id","account_id")
);

-- CreateTable
CREATE TABLE "reconciliations" (
    "id" UUID NOT NULL,
    "from_time" TIMESTAMPTZ(3) NOT NULL,
    "to_time" TIMESTAMPTZ(3) NOT NULL,
    "ledger_rows" INTEGER NOT NULL,
    "provider_rows" INTEGER NOT NULL,
    "ledger_only" INTEGER NOT NULL,
    "provider_only" INTEGER NOT NULL,
    "amount_differs" INTEGER NOT NULL,
    "status_differs" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "reconciliations_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "book_differences" (
    "id" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "provider" TEXT NOT NULL,
    "object" TEXT NOT NULL,
    "effect_id" UUID,
    "job_id" UUID,
    "provider_id" TEXT,
    "ledger_amount" BIGINT,
    "ledger_currency" TEXT,
    "ledger_state" TEXT,
    "provider_amount" BIGINT,
    "provider_currency" TEXT,
    "provider_status" TEXT,
    "happened_at" TIMESTAMPTZ(3) NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'open',
    "run_id" UUID NOT NULL,
    "resolved_by" TEXT,
    "resolved_reason" TEXT,
    "resolved_at" TIMESTAMPTZ(3),
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "book_differences_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "reconciliations_created_at_id_idx" ON "reconciliations"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE UNIQUE INDEX "book_differences_key_key" ON "book_differences"("key");

-- CreateIndex
CREATE INDEX "book_differences_status_created_at_id_idx" ON "book_differences"("status", "created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "book_differences_created_at_id_idx" ON "book_differences"("created_at" DESC, "id" DESC);

-- CreateIndex
CREATE INDEX "book_differences_run_id_idx" ON "book_differences"("run_id");

-- Written by hand: Prisma's schema has no indexes on expressions. The refunds of one payment, for the settlement report.
CREATE INDEX "effects_refunded_payment_idx" ON "effects" (("response"->>'paymentIntentId')) WHERE "operation" = 'refunds.create';
