import type { EffectStatus } from '@queue-service/persistence';
import type { Provider } from '../handler.ts';

/** An effect as its store knows it; the request is open (unsealed). */
export interface EffectRecord {
  id: string;
  status: EffectStatus;
  generation: number;
  request: unknown;
  memo: Record<string, unknown> | null;
  response: Record<string, unknown> | null;
  providerId: string | null;
  code: string | null;
  message: string | null;
  sends: number;
  firstAttemptAt: Date;
  lastAttemptAt: Date;
}

export interface EffectIntent {
  name: string;
  provider: Provider;
  operation: string;
  request: unknown;
  amount: number | null;
  currency: string | null;
  /** It may be sent again without asking, so nothing needs to be known of an earlier try. */
  repeatable: boolean;
}

export interface EffectSettlement {
  status: EffectStatus;
  providerId: string | null;
  response: Record<string, unknown> | null;
  code: string | null;
  message: string | null;
}

/** Where the effects of one claimed job are written: the ledger for money, the job's envelope for the others. */
export interface EffectStore {
  /** Commits the intent, or gives what an earlier try left. @throws ClaimLostError */
  intend(intent: EffectIntent): Promise<EffectRecord & { fresh: boolean }>;
  /** Commits that it is sent once more. @throws ClaimLostError */
  resend(effect: EffectRecord, newKey: boolean): Promise<EffectRecord>;
  /** @throws ClaimLostError */
  remember(effect: EffectRecord, memo: Record<string, unknown>): Promise<void>;
  settle(effect: EffectRecord, outcome: EffectSettlement): Promise<void>;
}

/** Another worker has the job now: nothing more may be done in its name. */
export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';

  constructor(jobId: string) {
    super(`the claim on job ${jobId} was lost`);
  }
}
