import { randomUUID } from 'node:crypto';
import type { Runtime } from '@queue-service/queue';

export interface SeededJob {
  id?: string;
  type?: 'payment-process' | 'refund-process' | 'payout-process' | 'nft-mint';
  tenantId?: string;
  status?: 'pending' | 'processing' | 'completed' | 'failed' | 'cancelled';
  createdAt: Date;
  finishedAt: Date | null;
  payload?: { [key: string]: string | number };
  idempotencyKey?: string | null;
  idempotencyExpiresAt?: Date | null;
  flowId?: string | null;
  effects?: SeededEffect[];
}

export interface SeededEffect {
  operation?: string;
  status?: 'intended' | 'confirmed' | 'rejected' | 'unknown';
  amount?: number;
  currency?: string;
  providerId?: string;
  response?: { [key: string]: string | number };
}

/** Rows as the ledger has them; returns the ids of the jobs. */
export async function seedLedger(runtime: Runtime, jobs: readonly SeededJob[]): Promise<string[]> {
  const { prisma } = runtime.db;
  const rows = jobs.map((job) => ({ ...job, id: job.id ?? randomUUID(), tenantId: job.tenantId ?? 'venue-1' }));
  await prisma.criticalJob.createMany({
    data: rows.map((job) => ({
      id: job.id,
      queue: 'money',
      type: job.type ?? 'payment-process',
      status: job.status ?? (job.finishedAt === null ? 'pending' : 'completed'),
      priority: 7,
      maxAttempts: 10,
      timeoutMs: 300_000,
      tenantId: job.tenantId,
      idempotencyKey: job.idempotencyKey ?? null,
      idempotencyExpiresAt: job.idempotencyExpiresAt ?? null,
      requestHash: Buffer.alloc(32),
      payload: job.payload ?? {},
      payloadVersion: 1,
      flowId: job.flowId ?? null,
      createdAt: job.createdAt,
      finishedAt: job.finishedAt,
    })),
  });
  await prisma.effect.createMany({
    data: rows.flatMap((job) =>
      (job.effects ?? []).map((effect, index) => ({
        id: randomUUID(),
        jobId: job.id,
        name: `effect-${index}`,
        provider: 'stripe',
        operation: effect.operation ?? 'payment_intents.create',
        status: effect.status ?? 'confirmed',
        request: {},
        requestHash: Buffer.alloc(32),
        tenantId: job.tenantId,
        createdAt: job.createdAt,
        ...(effect.amount === undefined ? {} : { amount: BigInt(effect.amount) }),
        ...(effect.currency === undefined ? {} : { currency: effect.currency }),
        ...(effect.providerId === undefined ? {} : { providerId: effect.providerId }),
        ...(effect.response === undefined ? {} : { response: effect.response }),
      })),
    ),
  });
  return rows.map((row) => row.id);
}
