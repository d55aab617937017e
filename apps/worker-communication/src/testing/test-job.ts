import { createLogger } from '@queue-service/observability';
import { type EffectRecord, type EffectStore, type JobContext, runEffect } from '@queue-service/queue';

/** One job with its effects in memory, run by the runtime's own effect runner. */
export interface TestJob {
  jobId: string;
  effects: Map<string, EffectRecord>;
  /** The context of the n-th attempt. */
  attempt(number?: number, signal?: AbortSignal): JobContext;
}

export function testJob(options: { maxAttempts?: number } = {}): TestJob {
  const jobId = crypto.randomUUID();
  const effects = new Map<string, EffectRecord>();
  const store = memoryStore(effects);
  return {
    jobId,
    effects,
    attempt: (number = 1, signal = new AbortController().signal) => ({
      jobId,
      tenantId: 'tenant-1',
      attempt: number,
      maxAttempts: options.maxAttempts ?? 3,
      requestId: null,
      flowId: null,
      createdAt: new Date('2027-01-02T03:04:05Z'),
      signal,
      log: createLogger({ service: 'test', level: 'silent' }),
      progress: () => undefined,
      effect: (name, spec) => runEffect(store, name, spec, signal, () => undefined),
    }),
  };
}

function memoryStore(effects: Map<string, EffectRecord>): EffectStore {
  const change = (effect: EffectRecord, changes: Partial<EffectRecord>) => Object.assign(effect, changes);
  return {
    async intend(intent) {
      const known = effects.get(intent.name);
      if (known !== undefined) return { ...known, fresh: false };
      const now = new Date();
      const effect: EffectRecord = {
        id: crypto.randomUUID(),
        status: 'intended',
        generation: 0,
        // As JSON, the way every real store keeps it.
        request: JSON.parse(JSON.stringify(intent.request)),
        memo: null,
        response: null,
        providerId: null,
        code: null,
        message: null,
        sends: 1,
        firstAttemptAt: now,
        lastAttemptAt: now,
      };
      effects.set(intent.name, effect);
      return { ...effect, fresh: true };
    },
    async resend(effect, newKey) {
      const sends = effect.sends + 1;
      const generation = effect.generation + (newKey ? 1 : 0);
      const known = [...effects.values()].find(({ id }) => id === effect.id) ?? effect;
      return change(known, {
        status: 'intended',
        code: null,
        message: null,
        sends,
        generation,
        lastAttemptAt: new Date(),
      });
    },
    async remember(effect, memo) {
      const known = [...effects.values()].find(({ id }) => id === effect.id) ?? effect;
      change(known, { memo });
    },
    async settle(effect, outcome) {
      const known = [...effects.values()].find(({ id }) => id === effect.id) ?? effect;
      change(known, outcome);
    },
  };
}
