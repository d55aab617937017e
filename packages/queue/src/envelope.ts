import type { FailureRecord } from '@queue-service/contracts';
import type { AttemptRecord, EffectStatus } from '@queue-service/persistence';
import type { Job } from 'bullmq';
import type { FinalOutcome } from './host/outcome.ts';

/**
 * What a communication or background job carries in Redis, where it has no row. Plain JSON; the payload is sealed.
 * Times are milliseconds since 1970.
 */
export interface Envelope {
  tenantId: string;
  payload: unknown;
  payloadVersion: number;
  priority: number;
  maxAttempts: number;
  timeoutMs: number;
  idempotencyKey: string | null;
  webhookUrl: string | null;
  requestId: string | null;
  traceId: string | null;
  traceparent: string | null;
  flow: { flowId: string; step: string } | null;
  createdAt: number;
  scheduledFor: number | null;
  /** Attempts used. */
  attempts: number;
  attemptLog: AttemptRecord[];
  startedAt: number | null;
  /** How many of BullMQ's stalls are in the log already, and how many a run that ended has explained. */
  stalls?: { logged: number; explained: number };
  /** Effects of handlers that must know of an earlier try. */
  effects: Record<string, StoredEffect>;
  /** How it ended, when that could not be recorded yet, or is a failure: only the recording is tried again. */
  ended?: { outcome: FinalOutcome; attempt: AttemptRecord };
}

/** What BullMQ keeps as the value of a job that completed or was cancelled: history comes a moment later. */
export interface EndedValue {
  status: 'completed' | 'cancelled';
  attempts: number;
  startedAt: number | null;
  result: Record<string, unknown> | null;
  error: FailureRecord | null;
}

export interface StoredEffect {
  id: string;
  /** `intended` is of versions before the present states. */
  status: EffectStatus | 'intended';
  doubted?: boolean;
  generation: number;
  request: unknown;
  memo: Record<string, unknown> | null;
  response: Record<string, unknown> | null;
  providerId: string | null;
  code: string | null;
  message: string | null;
  sends: number;
  firstAttemptAt: number;
  lastAttemptAt: number;
}

type Given = 'tenantId' | 'payload' | 'payloadVersion' | 'priority' | 'maxAttempts' | 'timeoutMs' | 'createdAt';
type Sparse = Pick<Envelope, Given> & Partial<Envelope>;

const atStart = (): Omit<Envelope, Given> => ({
  idempotencyKey: null,
  webhookUrl: null,
  requestId: null,
  traceId: null,
  traceparent: null,
  flow: null,
  scheduledFor: null,
  attempts: 0,
  attemptLog: [],
  startedAt: null,
  effects: {},
});

/** An envelope at its start; what is not given is empty. */
export function newEnvelope(given: Sparse): Envelope {
  return { ...atStart(), ...given };
}

const mayBeEmpty = Object.keys(atStart());

/** What is written of an envelope as JSON: not what is empty, half of it, for it is sent and kept with each job. */
export function storedEnvelope(envelope: Sparse): object {
  const stored: Record<string, unknown> = { ...envelope };
  for (const name of mayBeEmpty) {
    const value = stored[name];
    const empty = !value || (typeof value === 'object' && Object.keys(value).length === 0);
    if (empty) stored[name] = undefined;
  }
  return stored;
}

/** What a communication or background job carries. */
export function envelopeIn(job: Pick<Job, 'data'>): Envelope {
  return newEnvelope(job.data as Sparse);
}
