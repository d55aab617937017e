import { z } from 'zod';

/** The queues, each with its own fleet, tier and Redis. */
export const queueNames = ['money', 'communication', 'background'] as const;
export const queueNameSchema = z.enum(queueNames);
export type QueueName = (typeof queueNames)[number];

/**
 * How long a failed attempt waits before the next.
 * `exponential`: `baseMs · 2^(attempt-1)`, capped, half of it jittered so that a fleet does not come back in step.
 * `schedule`: the n-th retry waits `delaysMs[n-1]`.
 */
export type Backoff =
  | { readonly kind: 'exponential'; readonly baseMs: number; readonly maxMs: number }
  | { readonly kind: 'fixed'; readonly delayMs: number }
  | { readonly kind: 'schedule'; readonly delaysMs: readonly number[] };

/** What a job is allowed; the defaults of its queue unless its contract says otherwise. Times in milliseconds. */
export interface JobPolicy {
  readonly attempts: number;
  readonly backoff: Backoff;
  /** 1 (lowest) to 10 (highest). */
  readonly priority: number;
  readonly timeoutMs: number;
  readonly idempotencyWindowMs: number;
}

export interface QueueDefinition {
  readonly name: QueueName;
  /** 1: a PostgreSQL row is the truth. 2: Redis with persistence. 3: Redis, may be memory-only. */
  readonly tier: 1 | 2 | 3;
  readonly policy: JobPolicy;
}

export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

export const queues: Readonly<Record<QueueName, QueueDefinition>> = {
  money: {
    name: 'money',
    tier: 1,
    policy: {
      attempts: 10,
      backoff: { kind: 'exponential', baseMs: 2 * second, maxMs: 10 * minute },
      priority: 7,
      timeoutMs: 5 * minute,
      idempotencyWindowMs: 90 * day,
    },
  },
  communication: {
    name: 'communication',
    tier: 2,
    policy: {
      attempts: 3,
      backoff: { kind: 'fixed', delayMs: 5 * second },
      priority: 5,
      timeoutMs: minute,
      idempotencyWindowMs: day,
    },
  },
  background: {
    name: 'background',
    tier: 3,
    policy: {
      attempts: 2,
      backoff: { kind: 'fixed', delayMs: 10 * second },
      priority: 5,
      timeoutMs: 10 * minute,
      idempotencyWindowMs: hour,
    },
  },
};

/**
 * Delay before the attempt that follows `failedAttempts` failures, in milliseconds.
 * @param random a number in [0, 1): the jitter, handed in so that tests decide it
 */
export function backoffDelayMs(backoff: Backoff, failedAttempts: number, random: number): number {
  switch (backoff.kind) {
    case 'fixed':
      return backoff.delayMs;
    case 'schedule':
      return backoff.delaysMs[Math.min(failedAttempts, backoff.delaysMs.length) - 1] ?? 0;
    case 'exponential': {
      const full = Math.min(backoff.baseMs * 2 ** Math.min(failedAttempts - 1, 30), backoff.maxMs);
      return Math.round(full / 2 + (full / 2) * random);
    }
  }
}
