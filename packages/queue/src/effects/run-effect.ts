import {
  DeferredError,
  JobError,
  PermanentError,
  RateLimitedError,
  RetryableError,
  UnknownOutcomeError,
} from '@queue-service/contracts';
import type { EffectCall, EffectResult, EffectSpec, Found, JsonObject, OpenEffect } from '../handler.ts';
import { Abort } from '../host/abort.ts';
import { type EffectEvent, next } from './effect-machine.ts';
import { ClaimLostError, type EffectIntent, type EffectRecord, type EffectStore } from './effect-store.ts';
import { answerOrAbort, type SetTimer } from './late-answer.ts';

/** What metrics are given of an effect. */
export type EffectReport = (provider: string, operation: string, outcome: string, seconds: number) => void;

export interface RunEffectParts {
  store: EffectStore;
  signal: AbortSignal;
  report: EffectReport;
  /** When the job was accepted: what was lost is looked for from then on. */
  acceptedAt: Date;
  /**
   * Given for a job that is to end without its effects: the ones of which it is to be found out what became of them.
   * Nothing is sent.
   */
  settleOnly?: ReadonlySet<string> | undefined;
  /** A clock that goes on while the process is frozen or its machine sleeps, in milliseconds; default `Date.now`. */
  clockMs?: () => number;
  /** Default: the process's own timers. */
  setTimer?: SetTimer;
  /** An answer came after its attempt was given up, and says something that nobody could know. Never throws. */
  onLateAnswer?: (effect: { id: string; name: string; taken: boolean; providerId: string | null }) => void;
}

/** A claim that was held this lately is held still: leases last much longer. In milliseconds. */
const claimFreshMs = 1_000;

/** What was found out before a send does not hold for ever: a key may be forgotten meanwhile. */
const decisionLifeMs = 60_000;
const stale = 'The attempt stood still for too long between its decision to send and the request';

/** How soon an effect that is not there now, and must never be, is looked for again. */
const absenceCheckMs = 15_000;

/**
 * Does an effect at most once: commits that it is about to be sent, sends, records the outcome. An effect that an
 * earlier attempt left open is looked for at the provider before anything is sent again.
 *
 * @throws PermanentError the provider refused, now or in an earlier attempt
 * @throws RetryableError, RateLimitedError nothing happened by this send
 * @throws UnknownOutcomeError it may have happened; with `retryAfterMs` it is too early to say
 * @throws ClaimLostError
 * @throws Abort `cancelled`, where it would have to be sent and may not
 */
export function runEffect<Request extends JsonObject, Response extends JsonObject>(
  parts: RunEffectParts,
  name: string,
  spec: EffectSpec<Request, Response>,
): Promise<EffectResult<Response>> {
  return new EffectRun(parts, name, spec).run();
}

class EffectRun<Request extends JsonObject, Response extends JsonObject> {
  readonly #parts: RunEffectParts;
  readonly #name: string;
  /** When a write last began that only the holder of the claim can make, by that clock. */
  #heldAt = Number.NEGATIVE_INFINITY;
  readonly #spec: EffectSpec<Request, Response>;

  /** When the ledger was read that a send is decided by; likewise. */
  #decidedAt = Number.NEGATIVE_INFINITY;
  readonly #clockMs: () => number;

  constructor(parts: RunEffectParts, name: string, spec: EffectSpec<Request, Response>) {
    this.#parts = parts;
    this.#clockMs = parts.clockMs ?? Date.now;
    this.#name = name;
    this.#spec = spec;
  }

  async run(): Promise<EffectResult<Response>> {
    const { signal, settleOnly } = this.#parts;
    // Before anything is written: what was never sent must not look as if it may have been.
    signal.throwIfAborted();
    if (settleOnly !== undefined && !settleOnly.has(this.#name)) throw stopped();
    this.#decidedAt = this.#clockMs();
    const effect = await this.#open();
    switch (effect.status) {
      case 'confirmed':
        return { providerId: effect.providerId, response: effect.response as Response };
      case 'rejected':
      case 'void':
        throw new PermanentError({
          code: effect.code ?? 'rejected',
          message: effect.message ?? 'The provider refused',
        });
      case 'planned':
        return this.#sendPlanned(effect);
      case 'sent':
      case 'unknown':
        return effect.fresh ? this.#recallOrSend(effect) : this.#reconcile(effect);
    }
  }

  /** What an earlier attempt left, else the effect as it is about to be sent for the first time. */
  async #open(): Promise<EffectRecord & { fresh: boolean }> {
    const { store, settleOnly } = this.#parts;
    // What a first send needs looked up and allowed must not stand in the way of what may have happened.
    const known = store.ranBefore || settleOnly !== undefined ? await store.find(this.#name) : null;
    if (known !== null) return { ...known, fresh: false };
    if (settleOnly !== undefined) throw stopped();
    const intent = await this.#intent();
    this.#heldAt = this.#clockMs();
    return store.begin(intent);
  }

  async #intent(): Promise<EffectIntent> {
    const spec = this.#spec;
    const order = 'prepare' in spec ? await spec.prepare() : spec;
    await spec.check?.();
    this.#parts.signal.throwIfAborted();
    return {
      name: this.#name,
      provider: spec.provider,
      operation: spec.operation,
      request: order.request,
      amount: order.amount ?? null,
      currency: order.currency ?? null,
      repeatable: spec.onUnknown === 'repeat',
    };
  }

  async #sendPlanned(effect: EffectRecord): Promise<EffectResult<Response>> {
    if (this.#parts.settleOnly !== undefined) throw stopped();
    const sent = await this.#commitSend(effect, 'send', false, await this.#intent());
    return effect.code === recallPending.code ? this.#recallOrSend(sent) : this.#send(sent);
  }

  /** Before a first send by a job that ran before: nothing has left as far as is known, but what is known may be old. */
  async #recallOrSend(effect: EffectRecord): Promise<EffectResult<Response>> {
    const { store, acceptedAt, signal } = this.#parts;
    const { recall } = this.#spec;
    if (!store.ranBefore || recall === undefined) return this.#send(effect);
    let found: EffectResult<Response> | null;
    try {
      found = await this.#timed('recall', () => recall.call(this.#spec, effect.request as Request, acceptedAt, signal));
    } catch (error) {
      await this.#settle(effect, 'not_sent', recallPending);
      throw error;
    }
    return found === null ? this.#send(effect) : this.#confirm(effect, found);
  }

  /** Sends once more, unless nothing may be sent any more: then it is made sure that nothing comes of what was sent. */
  async #sendAgain(
    effect: EffectRecord,
    event: 'send' | 'send_anew',
    newKey: boolean,
  ): Promise<EffectResult<Response>> {
    try {
      await this.#spec.check?.();
    } catch (error) {
      if (!(error instanceof PermanentError)) throw error;
      if (event === 'send_anew') return this.#reject(effect, 'absent_for_good', error);
      return this.#abandon(effect, error);
    }
    return this.#send(await this.#commitSend(effect, event, newKey, null));
  }

  async #commitSend(
    effect: EffectRecord,
    event: 'send' | 'send_anew',
    newKey: boolean,
    intent: EffectIntent | null,
  ): Promise<EffectRecord> {
    this.#parts.signal.throwIfAborted();
    this.#heldAt = this.#clockMs();
    return this.#parts.store.sendAgain(effect, { doubted: next(effect, event).doubted, newKey, intent });
  }

  /** What became of an effect that may have happened. */
  async #reconcile(effect: EffectRecord): Promise<EffectResult<Response>> {
    const { find, fence, onUnknown } = this.#spec;
    const settling = this.#parts.settleOnly !== undefined;
    if (onUnknown === 'repeat' && !settling) return this.#sendAgain(effect, 'send', false);
    if (find === undefined || onUnknown === 'repeat' || onUnknown === 'stop') {
      throw new PermanentError({
        code: 'outcome_unknown',
        message: 'An earlier try may have been carried out; it is not repeated',
      });
    }
    const ask = settling && fence !== undefined ? fence : find;
    const found = await this.#timed(settling ? 'fence' : 'find', () =>
      ask.call(this.#spec, effect.request as Request, openOf(effect, this.#parts.signal)),
    );
    return this.#decide(effect, found);
  }

  async #decide(effect: EffectRecord, found: Found<Response>): Promise<EffectResult<Response>> {
    const settling = this.#parts.settleOnly !== undefined;
    switch (found.state) {
      case 'done':
        return this.#confirm(effect, found);
      case 'rejected':
        return this.#reject(effect, 'found_refused', found);
      case 'absent_for_good':
        if (!settling) return this.#sendAgain(effect, 'send_anew', found.newKey ?? false);
        await this.#settle(effect, 'absent_for_good', {
          code: 'not_carried_out',
          message: 'It was stopped before it happened',
        });
        throw stopped();
      case 'absent_now':
        if (!settling) return this.#sendAgain(effect, 'send', false);
        throw pending(absenceCheckMs);
      case 'overdue':
        return this.#abandon(effect, found);
      case 'pending':
        throw pending(found.retryAfterMs, found.reason);
      case 'unclear':
        throw new UnknownOutcomeError({ code: 'outcome_unclear', message: found.reason });
    }
  }

  /** Makes sure that it does not happen any more, and fails with the given reason. */
  async #abandon(effect: EffectRecord, reason: { code: string; message: string }): Promise<EffectResult<Response>> {
    const fence = this.#spec.fence;
    if (fence === undefined) throw pending(absenceCheckMs, reason.message);
    const fenced = await this.#timed('fence', () =>
      fence.call(this.#spec, effect.request as Request, openOf(effect, this.#parts.signal)),
    );
    switch (fenced.state) {
      case 'done':
        return this.#confirm(effect, fenced);
      case 'rejected':
      case 'absent_for_good':
        return this.#reject(effect, 'found_refused', { ...reason, ...(fenced.state === 'rejected' && fenced) });
      case 'pending':
        throw pending(fenced.retryAfterMs, fenced.reason ?? reason.message);
    }
  }

  async #send(effect: EffectRecord): Promise<EffectResult<Response>> {
    const { store, signal } = this.#parts;
    const call: EffectCall = {
      idempotencyKey: keyOf(effect),
      signal,
      memo: effect.memo as JsonObject | null,
      sends: effect.sends,
      remember: async (memo, providerId) => {
        this.#heldAt = this.#clockMs();
        await store.remember(effect, memo, providerId ?? null);
        effect.memo = memo;
      },
      // A worker that was frozen meanwhile sends nothing in the name of a job that another has by now.
      requireClaim: async () => {
        const since = (then: number) => Math.abs(this.#clockMs() - then);
        if (since(this.#decidedAt) > decisionLifeMs) throw new DeferredError({ reason: stale, retryAfterMs: 0 });
        if (since(this.#heldAt) > claimFreshMs) await store.requireClaim();
      },
    };
    const startedAt = performance.now();
    const report = (outcome: string) =>
      this.#parts.report(this.#spec.provider, this.#spec.operation, outcome, (performance.now() - startedAt) / 1_000);
    let result: EffectResult<Response>;
    try {
      signal.throwIfAborted();
      const sending = this.#spec.send(effect.request as Request, call);
      result = await answerOrAbort(sending, signal, (late) => this.#hearLate(effect, late), this.#parts.setTimer);
    } catch (error) {
      // Nothing is sent in the name of a lost claim after it was lost; what left before is the new holder's to settle.
      if (error instanceof ClaimLostError) throw error;
      const event = eventOf(error);
      report(event === 'refused' ? 'rejected' : event === 'not_sent' ? 'not_sent' : 'unknown');
      return this.#failed(effect, event, error);
    }
    report('confirmed');
    return this.#confirm(effect, result);
  }

  async #failed(effect: EffectRecord, event: EffectEvent, error: unknown): Promise<EffectResult<Response>> {
    const after = next(effect, event);
    const told = error instanceof JobError ? { code: error.code, message: error.message } : unexpected;
    // A harmless failure of a repeat leaves what is known of the sends before as it is, their code included.
    await this.#settle(effect, event, event === 'not_sent' && after.status === 'unknown' ? null : told);
    // A refusal of a repeat (a key that was revoked since, nothing left to refund because the first request took it) says
    // nothing of the requests that left before.
    if (event === 'refused' && after.status === 'unknown') return this.#refusedRepeat({ ...effect, ...after }, told);
    if (error instanceof JobError) throw error;
    throw new UnknownOutcomeError({
      ...told,
      cause: error,
    });
  }

  async #refusedRepeat(
    effect: EffectRecord,
    refusal: { code: string; message: string },
  ): Promise<EffectResult<Response>> {
    const { find, fence } = this.#spec;
    if (fence !== undefined) return this.#abandon(effect, refusal);
    if (find === undefined) throw new UnknownOutcomeError({ code: 'outcome_unclear', message: refusal.message });
    const open = openOf({ ...effect, silentMs: 0 }, this.#parts.signal);
    const found = await this.#timed('find', () => find.call(this.#spec, effect.request as Request, open));
    switch (found.state) {
      case 'done':
        return this.#confirm(effect, found);
      case 'rejected':
        return this.#reject(effect, 'found_refused', found);
      case 'absent_for_good':
        return this.#reject(effect, 'found_refused', refusal);
      case 'absent_now':
      case 'overdue':
        throw pending(absenceCheckMs, refusal.message);
      case 'pending':
        throw pending(found.retryAfterMs, refusal.message);
      case 'unclear':
        throw new UnknownOutcomeError({ code: 'outcome_unclear', message: found.reason });
    }
  }

  async #confirm(effect: EffectRecord, result: EffectResult<Response>): Promise<EffectResult<Response>> {
    await this.#settle(effect, 'done', null, result);
    return { providerId: result.providerId, response: result.response };
  }

  async #reject(
    effect: EffectRecord,
    event: EffectEvent,
    { code, message, providerId }: { code: string; message: string; providerId?: string },
  ): Promise<never> {
    await this.#settle(
      effect,
      event,
      { code, message },
      providerId === undefined ? undefined : { providerId, response: null },
    );
    throw new PermanentError({ code, message });
  }

  /** An answer that comes after the attempt was given up is true all the same. */
  #hearLate(effect: EffectRecord, late: EffectResult<Response>): void {
    const { onLateAnswer = () => {} } = this.#parts;
    this.#settle(effect, 'done', null, late).then(
      (taken) => onLateAnswer({ id: effect.id, name: this.#name, taken, providerId: late.providerId }),
      // The database is away: the next run asks the provider.
      () => {},
    );
  }

  #settle(
    effect: EffectRecord,
    event: EffectEvent,
    told: { code: string; message: string | null } | null = null,
    result: { providerId: string | null; response: JsonObject | null } = { providerId: null, response: null },
  ): Promise<boolean> {
    return this.#parts.store.settle(effect, {
      ...next(effect, event),
      providerId: result.providerId,
      response: result.response,
      code: told?.code ?? null,
      message: told?.message ?? null,
    });
  }

  async #timed<Result>(verb: string, work: () => Promise<Result>): Promise<Result> {
    const startedAt = performance.now();
    let outcome = 'failed';
    try {
      const result = await work();
      outcome = (result as { state?: string } | null)?.state ?? 'answered';
      return result;
    } finally {
      const seconds = (performance.now() - startedAt) / 1_000;
      this.#parts.report(this.#spec.provider, `${this.#spec.operation}.${verb}`, outcome, seconds);
    }
  }
}

/** Of an effect that was not sent because the provider could not be asked for an earlier one first. */
const recallPending = { code: 'recall_pending', message: 'The provider could not be asked for an earlier effect' };
const unexpected = { code: 'unexpected_error', message: 'The request may have been carried out' };

/** An error of unknown make is taken for the worst: it may have happened. */
function eventOf(error: unknown): 'refused' | 'not_sent' | 'unanswered' {
  if (error instanceof PermanentError) return 'refused';
  return nothingHappened.some((kind) => error instanceof kind) ? 'not_sent' : 'unanswered';
}

/** `Abort` is thrown by `throwIfAborted`, before anything left. */
const nothingHappened = [RetryableError, RateLimitedError, DeferredError, Abort];

function stopped(): Abort {
  return new Abort('cancelled', 'Stopped before it was sent');
}

function pending(retryAfterMs: number, reason?: string): UnknownOutcomeError {
  const why = reason === undefined ? '' : `: ${reason}`;
  return new UnknownOutcomeError({
    code: 'outcome_pending',
    message: `The provider cannot say yet what becomes of it${why}`,
    retryAfterMs,
  });
}

function openOf(effect: EffectRecord, signal: AbortSignal): OpenEffect {
  return {
    idempotencyKey: keyOf(effect),
    memo: effect.memo as JsonObject | null,
    firstAttemptAt: effect.firstAttemptAt,
    lastAttemptAt: effect.lastAttemptAt,
    ageMs: effect.ageMs,
    silentMs: effect.silentMs,
    repeated: effect.doubted,
    serverError: effect.code === 'provider_error',
    refusedIds: effect.refusedIds,
    signal,
  };
}

/** Follows from job, effect and generation alone: a row that was lost comes back under the same key. */
function keyOf(effect: EffectRecord): string {
  return effect.generation === 0 ? effect.id : `${effect.id}.${effect.generation}`;
}
