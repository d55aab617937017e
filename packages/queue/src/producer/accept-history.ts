import type { QueueName } from '@queue-service/contracts';
import type { Sealer } from '@queue-service/persistence';
import type { Dispatcher } from '../dispatch.ts';
import { type Envelope, newEnvelope, storedEnvelope } from '../envelope.ts';
import { envelopeState } from '../envelope-state.ts';
import type { HistoryWriter } from '../history-writer.ts';
import type { JobReader } from '../job-reader.ts';
import { type Acceptance, QueueUnavailableError } from '../new-job.ts';
import { whileAvailable } from '../redis/availability.ts';
import type { Connections } from '../redis/connections.ts';
import { newResource } from './accept-ledger.ts';
import type { PreparedJob } from './prepare.ts';

export interface HistoryAcceptParts {
  connections: Connections;
  dispatch: Dispatcher;
  sealer: Sealer;
  history: HistoryWriter;
  reader: JobReader;
  now: () => Date;
}

/**
 * Tiers 2 and 3: the idempotency keys are taken in Redis, then all jobs are added at once. A key whose job never got
 * there (we died in between) does not block: its job is added under the id that the key names.
 * @throws QueueUnavailableError, also when Redis is nearly full; the keys are then given back
 */
export async function acceptIntoRedis(
  parts: HistoryAcceptParts,
  queue: QueueName,
  jobs: readonly PreparedJob[],
): Promise<Acceptance[]> {
  const createdAt = parts.now();
  const { redis, memory, prefix } = parts.connections.of(queue);
  if (await memory.nearlyFull()) throw new QueueUnavailableError(`the Redis of the queue ${queue} is nearly full`);
  const keyOf = (job: PreparedJob) => `${prefix}:${queue}:idempotency:${job.tenantId}:${job.idempotencyKey}`;
  const keyed = jobs.filter((job) => job.idempotencyKey !== null);
  const holders = await whileAvailable(redis, queue, () => takeKeys(redis, keyed, keyOf));
  const taken = keyed.filter((job) => !holders.has(job.id));
  try {
    const answers = new Map<string, Acceptance>();
    const adding: PreparedJob[] = jobs.filter((job) => !holders.has(job.id));
    for (const job of keyed) {
      const holder = holders.get(job.id);
      if (holder === undefined) continue;
      if (holder.hash !== job.hash) {
        answers.set(job.id, { outcome: 'key_reused', jobId: holder.id });
        continue;
      }
      const first = await parts.reader.find(holder.id, job.tenantId);
      if (first !== null) answers.set(job.id, { outcome: 'replayed', job: first });
      else adding.push({ ...job, id: holder.id });
    }
    if ([...answers.values()].some((answer) => answer.outcome === 'key_reused')) {
      await giveBack(redis, taken, keyOf);
      return jobs.map((job) => answers.get(job.id) ?? { outcome: 'created', job: newResource(job, createdAt) });
    }
    const envelopes = adding.map((job) => envelopeOf(job, parts.sealer, createdAt));
    await parts.dispatch(
      queue,
      adding.map((job, index) => ({
        id: job.id,
        type: job.contract.type,
        priority: job.priority,
        tenantId: job.tenantId,
        delayMs: job.delayMs,
        data: storedEnvelope(envelopes[index] as Envelope),
      })),
    );
    adding.forEach((job, index) => {
      const envelope = envelopes[index] as Envelope;
      const pending = { status: 'pending', result: null, error: null, finishedAt: null } as const;
      parts.history.write(envelopeState(job.id, queue, job.contract.type, envelope, pending), envelope, false);
    });
    return jobs.map(
      (job) =>
        answers.get(job.id) ?? {
          outcome: 'created',
          job: newResource({ ...job, id: holders.get(job.id)?.id ?? job.id }, createdAt),
        },
    );
  } catch (error) {
    await giveBack(redis, taken, keyOf).catch(() => {});
    throw error;
  }
}

type Redis = ReturnType<Connections['of']>['redis'];

/** Takes free keys; answers who holds the others, by the id of the job that asked. */
async function takeKeys(redis: Redis, jobs: readonly PreparedJob[], keyOf: (job: PreparedJob) => string) {
  const holders = new Map<string, { id: string; hash: string }>();
  if (jobs.length === 0) return holders;
  const pipeline = redis.pipeline();
  for (const job of jobs) {
    pipeline.call(
      'SET',
      keyOf(job),
      `${job.id} ${job.hash}`,
      'PX',
      job.contract.policy.idempotencyWindowMs,
      'NX',
      'GET',
    );
  }
  const replies = (await pipeline.exec()) ?? [];
  jobs.forEach((job, index) => {
    const [error, before] = replies[index] ?? [];
    if (error) throw error;
    const [id, hash] = typeof before === 'string' ? before.split(' ') : [];
    if (id !== undefined && hash !== undefined) holders.set(job.id, { id, hash });
  });
  return holders;
}

async function giveBack(
  redis: Redis,
  jobs: readonly PreparedJob[],
  keyOf: (job: PreparedJob) => string,
): Promise<void> {
  if (jobs.length > 0) await redis.del(...jobs.map(keyOf));
}

function envelopeOf(job: PreparedJob, sealer: Sealer, createdAt: Date): Envelope {
  return newEnvelope({
    tenantId: job.tenantId,
    payload: sealer.seal(job.data, job.contract.personalData),
    payloadVersion: job.contract.version,
    priority: job.priority,
    maxAttempts: job.maxAttempts,
    timeoutMs: job.timeoutMs,
    idempotencyKey: job.idempotencyKey,
    webhookUrl: job.webhookUrl,
    requestId: job.requestId,
    traceId: job.traceId,
    traceparent: job.traceparent,
    flow: job.flow,
    createdAt: createdAt.getTime(),
    scheduledFor: job.delayMs > 0 ? createdAt.getTime() + job.delayMs : null,
  });
}
