import type { Provider } from '../handler.ts';
import type { EffectState } from './effect-machine.ts';

/** An effect as its store knows it; the request is open (unsealed). */
export interface EffectRecord extends EffectState {
  id: string;
  generation: number;
  request: unknown;
  memo: Record<string, unknown> | null;
  response: Record<string, unknown> | null;
  providerId: string | null;
  code: string | null;
  message: string | null;
  /** Requests that left, or may have, over all generations. */
  sends: number;
  /** The provider's ids of what it refused in earlier generations. */
  refusedIds: readonly string[];
  firstAttemptAt: Date;
  lastAttemptAt: Date;
  /** Since the first and the last request, in milliseconds of the store's clock. */
  ageMs: number;
  silentMs: number;
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

export interface EffectSettlement extends EffectState {
  providerId: string | null;
  response: Record<string, unknown> | null;
  /** Null leaves what is there. */
  code: string | null;
  message: string | null;
}

/** Where the effects of one claimed job are written: the ledger for money, the job's envelope for the others. */
export interface EffectStore {
  /** What an earlier try left. */
  find(name: string): Promise<EffectRecord | null>;
  /**
   * Commits that it is about to be sent for the first time, or gives what an earlier try left.
   * @throws ClaimLostError
   */
  begin(intent: EffectIntent): Promise<EffectRecord & { fresh: boolean }>;
  /**
   * Commits that it is about to be sent once more.
   * @param intent given where nothing of this generation has left yet: it replaces what is stored
   * @throws ClaimLostError also when somebody else has sent it meanwhile
   */
  sendAgain(
    effect: EffectRecord,
    how: { doubted: boolean; newKey: boolean; intent: EffectIntent | null },
  ): Promise<EffectRecord>;
  /** @throws ClaimLostError */
  remember(effect: EffectRecord, memo: Record<string, unknown>, providerId: string | null): Promise<void>;
  /**
   * False when it was not taken: the claim is lost, or the effect has been sent again since. That it was confirmed is
   * taken from everybody, however late.
   */
  settle(effect: EffectRecord, outcome: EffectSettlement): Promise<boolean>;
  /** Looks once more, after a wait and right before a request leaves. @throws ClaimLostError */
  requireClaim(): Promise<void>;
  /** Whether the job was claimed before, and may have done something; even what the store has lost since. */
  readonly ranBefore: boolean;
}

/** Another worker has the job now: nothing more may be done in its name. */
export class ClaimLostError extends Error {
  override readonly name = 'ClaimLostError';

  constructor(jobId: string) {
    super(`the claim on job ${jobId} was lost`);
  }
}
