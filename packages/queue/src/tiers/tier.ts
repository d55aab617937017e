import type { FailureRecord, JobType } from '@queue-service/contracts';
import type { ActedEffect, AttemptRecord, SettlingVerdict } from '@queue-service/persistence';
import type { Job } from 'bullmq';
import type { EffectStore } from '../effects/effect-store.ts';
import type { Abort } from '../host/abort.ts';
import type { Outcome } from '../host/outcome.ts';

/** A job that this worker may run now. */
export interface Claim {
  jobId: string;
  type: JobType;
  tenantId: string;
  attempt: number;
  maxAttempts: number;
  timeoutMs: number;
  priority: number;
  /** As stored: sealed, of the version it was posted with. */
  payload: Record<string, unknown>;
  payloadVersion: number;
  requestId: string | null;
  traceId: string | null;
  traceparent: string | null;
  flowId: string | null;
  flowStep: string | null;
  webhookUrl: string | null;
  createdAt: Date;
  /** When it was due: what enqueue-to-start is measured from. */
  dueAt: Date;
  startedAt: Date;
  attemptLog: AttemptRecord[];
  /** Times a worker died with it. */
  crashes: number;
  /**
   * Set where it is to end without an effect: null when it is to be cancelled, else how it fails. Providers are asked
   * what became of its effects, and nothing is sent.
   */
  verdict: SettlingVerdict | null | undefined;
  /** It ended in an earlier run, and only the recording is still owed. */
  ended: { outcome: Outcome; attempt: AttemptRecord } | null;
  effects: EffectStore;
  /** What was carried out in its name, or may have been, by any attempt. */
  acted(): Promise<ActedEffect[]>;
  /** Whether providers are asked what became of its effects before it is called cancelled or failed. */
  findsOut: boolean;
  /** Keeps the claim while the job runs and tells what becomes of it; the answer lets go. */
  guard(abort: (reason: Abort) => void): () => void;
  /** Records how the attempt ended; what it returns is told to BullMQ. */
  settle(outcome: Outcome, attempt: AttemptRecord): Promise<Settlement>;
}

/** The job is not for this worker now. */
export type Refusal =
  /** It has ended, or does not exist: forget it. */
  | { kind: 'gone' }
  /** Not due, or another worker has it: ask again after the delay. */
  | { kind: 'later'; delayMs: number };

/** What BullMQ is told at the end. */
export type Settlement =
  | { kind: 'done'; value: unknown }
  | {
      kind: 'later';
      delayMs: number;
      /** Called once BullMQ has it back. Never throws. */
      moved?: () => Promise<void>;
    }
  | { kind: 'failed'; error: FailureRecord };

/** How durable a queue is, and where its truth lies. One implementation a kind: `tiers/ledger.ts`, `tiers/history.ts`. */
export interface Tier {
  /** At once where nobody has to be asked. */
  claim(job: Job, worker: string): Claim | Promise<Claim | Refusal>;
  close(): Promise<void>;
}

export function isClaim(answer: Claim | Refusal): answer is Claim {
  return !('kind' in answer);
}
