import {
  JobError,
  PermanentError,
  RateLimitedError,
  RetryableError,
  UnknownOutcomeError,
} from '@queue-service/contracts';
import type { EffectCall, EffectResult, EffectSpec, Found, JsonObject, OpenEffect } from '../handler.ts';
import { Abort } from '../host/abort.ts';
import { ClaimLostError, type EffectRecord, type EffectSettlement, type EffectStore } from './effect-store.ts';

/** What is told of an effect to the metrics. */
export type EffectReport = (provider: string, operation: string, outcome: string, seconds: number) => void;

/**
 * Does an effect at most once: commits the intent, sends, records the outcome. An effect that an earlier attempt left
 * open is looked for at the provider before anything is sent again.
 *
 * @throws PermanentError the provider refused, now or in an earlier attempt
 * @throws RetryableError, RateLimitedError nothing happened, or it is too early to say
 * @throws UnknownOutcomeError it may have happened
 * @throws ClaimLostError
 * @throws Abort `cancelled`, where it would have to be sent and may not
 *
 * @param only given for a job that is cancelled: the effects of which it is to be found out what became of them. Nothing
 *   is sent
 */
export async function runEffect<Request extends JsonObject, Response extends JsonObject>(
  store: EffectStore,
  name: string,
  spec: EffectSpec<Request, Response>,
  signal: AbortSignal,
  report: EffectReport,
  only?: ReadonlySet<string>,
): Promise<EffectResult<Response>> {
  // Before the intent is written: what was never sent must not look as if it may have been.
  signal.throwIfAborted();
  if (only !== undefined && !only.has(name)) throw cancelled();
  const effect = await store.intend({
    name,
    provider: spec.provider,
    operation: spec.operation,
    request: spec.request,
    amount: spec.amount ?? null,
    currency: spec.currency ?? null,
    repeatable: spec.onUnknown === 'repeat',
  });
  if (effect.fresh) return send(store, effect, spec, signal, report);
  switch (effect.status) {
    case 'confirmed':
      return { providerId: effect.providerId, response: effect.response as Response };
    case 'rejected':
      throw new PermanentError({ code: effect.code ?? 'rejected', message: effect.message ?? 'The provider refused' });
    case 'intended':
      // A code says that the last try ended before anything left; without one it may have been cut off in mid-send.
      if (effect.code !== null && only !== undefined) throw cancelled();
      if (effect.code !== null) return send(store, await store.resend(effect, false), spec, signal, report);
      return reconcile(store, effect, spec, signal, report, only !== undefined);
    case 'unknown':
      return reconcile(store, effect, spec, signal, report, only !== undefined);
  }
}

async function reconcile<Request extends JsonObject, Response extends JsonObject>(
  store: EffectStore,
  effect: EffectRecord,
  spec: EffectSpec<Request, Response>,
  signal: AbortSignal,
  report: EffectReport,
  findOnly: boolean,
): Promise<EffectResult<Response>> {
  const repeat = async (newKey: boolean) => {
    if (!findOnly) return send(store, await store.resend(effect, newKey), spec, signal, report);
    const stop = cancelled();
    await store.settle(effect, failed('intended', 'cancelled', stop.message));
    throw stop;
  };
  if (spec.onUnknown === 'repeat') return repeat(false);
  if (spec.onUnknown === 'stop' || spec.find === undefined) {
    throw new PermanentError({
      code: 'outcome_unknown',
      message: 'An earlier try may have been carried out; it is not repeated',
    });
  }
  const startedAt = performance.now();
  const found = await spec.find(effect.request as Request, openOf(effect, signal));
  report(spec.provider, `${spec.operation}.find`, found.state, (performance.now() - startedAt) / 1_000);
  switch (found.state) {
    case 'done':
      await store.settle(effect, confirmed(found));
      return { providerId: found.providerId, response: found.response };
    case 'rejected':
      await store.settle(effect, failed('rejected', found.code, found.message));
      throw new PermanentError({ code: found.code, message: found.message });
    case 'absent':
      return repeat(found.newKey ?? false);
    case 'pending':
      throw new RateLimitedError({
        code: 'outcome_pending',
        message: 'The provider cannot say yet what became of an earlier try',
        retryAfterMs: found.retryAfterMs,
      });
    case 'unclear':
      throw new UnknownOutcomeError({ code: 'outcome_unclear', message: found.reason });
  }
}

async function send<Request extends JsonObject, Response extends JsonObject>(
  store: EffectStore,
  effect: EffectRecord,
  spec: EffectSpec<Request, Response>,
  signal: AbortSignal,
  report: EffectReport,
): Promise<EffectResult<Response>> {
  signal.throwIfAborted();
  const call: EffectCall = {
    idempotencyKey: keyOf(effect),
    signal,
    memo: effect.memo as JsonObject | null,
    sends: effect.sends,
    remember: (memo) => store.remember(effect, memo),
  };
  const startedAt = performance.now();
  const done = (outcome: string) =>
    report(spec.provider, spec.operation, outcome, (performance.now() - startedAt) / 1_000);
  let result: EffectResult<Response>;
  try {
    result = await spec.send(effect.request as Request, call);
  } catch (error) {
    // Nothing was sent in the name of a lost claim, and the effect is the new holder's to settle.
    if (error instanceof ClaimLostError) throw error;
    if (error instanceof PermanentError && effect.sends > 1 && spec.find !== undefined) {
      return refusedLater(store, effect, spec, error, signal, done);
    }
    const settlement = settlementOf(error);
    done(settlement.status === 'intended' ? 'not_sent' : settlement.status);
    await store.settle(effect, settlement);
    if (error instanceof JobError) throw error;
    throw new UnknownOutcomeError({
      code: settlement.code ?? 'unknown',
      message: 'The request may have been carried out',
      cause: error,
    });
  }
  done('confirmed');
  await store.settle(effect, confirmed(result));
  return result;
}

function cancelled(): Abort {
  return new Abort('cancelled', 'Cancelled before it was sent');
}

/**
 * A refusal of a repeat (a key that was revoked since, nothing left to refund because the first request took it) says
 * nothing of the requests that left before. So the provider is asked for them first; only what is not there was refused.
 */
async function refusedLater<Request extends JsonObject, Response extends JsonObject>(
  store: EffectStore,
  effect: EffectRecord,
  spec: EffectSpec<Request, Response>,
  refusal: PermanentError,
  signal: AbortSignal,
  done: (outcome: string) => void,
): Promise<EffectResult<Response>> {
  const unknown = () => store.settle(effect, failed('unknown', refusal.code, refusal.message));
  let found: Found<Response>;
  try {
    found = await (spec.find as NonNullable<typeof spec.find>)(effect.request as Request, openOf(effect, signal));
  } catch (error) {
    done('unknown');
    await unknown();
    throw error;
  }
  switch (found.state) {
    case 'done':
      done('confirmed');
      await store.settle(effect, confirmed(found));
      return { providerId: found.providerId, response: found.response };
    case 'absent':
    case 'rejected': {
      const { code, message } = found.state === 'rejected' ? found : refusal;
      done('rejected');
      await store.settle(effect, failed('rejected', code, message));
      throw new PermanentError({ code, message });
    }
    case 'pending':
    case 'unclear':
      done('unknown');
      await unknown();
      throw new UnknownOutcomeError({
        code: 'outcome_unclear',
        message: `The provider refused a repeat (${refusal.code}) and cannot tell of the request before it`,
      });
  }
}

function openOf(effect: EffectRecord, signal: AbortSignal): OpenEffect {
  return {
    idempotencyKey: keyOf(effect),
    memo: effect.memo as JsonObject | null,
    firstAttemptAt: effect.firstAttemptAt,
    lastAttemptAt: effect.lastAttemptAt,
    sends: effect.sends,
    serverError: effect.status === 'unknown' && effect.code === 'provider_error',
    signal,
  };
}

/** An error of unknown make is taken for the worst: it may have happened. */
function settlementOf(error: unknown): EffectSettlement {
  if (error instanceof PermanentError) return failed('rejected', error.code, error.message);
  if (error instanceof RetryableError || error instanceof RateLimitedError)
    return failed('intended', error.code, error.message);
  if (error instanceof JobError) return failed('unknown', error.code, error.message);
  return failed('unknown', 'unexpected_error', null);
}

function confirmed(result: EffectResult<JsonObject>): EffectSettlement {
  return { status: 'confirmed', providerId: result.providerId, response: result.response, code: null, message: null };
}

function failed(status: EffectSettlement['status'], code: string, message: string | null): EffectSettlement {
  return { status, providerId: null, response: null, code, message };
}

/** Where `find` has proved that the old key is burnt, a new one that still follows from the record alone. */
function keyOf(effect: EffectRecord): string {
  return effect.generation === 0 ? effect.id : `${effect.id}.${effect.generation}`;
}
