import { contractOf, type JobType, PermanentError, parsePayload, parseResult } from '@queue-service/contracts';
import { type Logger, withJobSpan } from '@queue-service/observability';
import type { Sealer } from '@queue-service/persistence';
import { type EffectReport, type RunEffectParts, runEffect } from '../effects/run-effect.ts';
import { type Handler, type JobContext, Snooze } from '../handler.ts';
import type { Claim } from '../tiers/tier.ts';
import { Abort } from './abort.ts';
import type { AttemptEnd } from './outcome.ts';

/** How long a handler may go on after its signal was aborted before its attempt is given up. */
const abortGraceMs = 5_000;

export interface Performance {
  end: AttemptEnd['end'];
  abort: Abort | null;
}

export interface PerformParts {
  handlers: Readonly<Record<string, Handler<JobType>>>;
  sealer: Sealer;
  log: () => Logger;
  report: EffectReport;
  onProgress: (value: unknown) => void;
  /** Where who can abort this run registers itself: a shutdown, a cancel. */
  abortable: (abort: (reason: Abort) => void) => () => void;
  /**
   * Given where a job that is over has to find out first what became of these effects: its handler runs once more, and
   * nothing is sent.
   */
  settleOnly?: ReadonlySet<string> | undefined;
  /** Default {@link abortGraceMs}. */
  graceMs?: number | undefined;
}

/**
 * Runs the handler of a claimed job: payload opened and checked, time-out in two steps (signal, then the attempt is given
 * up and its late result ignored), result checked. Never throws.
 */
export async function perform(claim: Claim, parts: PerformParts): Promise<Performance> {
  const controller = new AbortController();
  let abort: Abort | null = null;
  let giveUp: (reason: Abort) => void = () => {};
  const givenUp = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  givenUp.catch(() => {});
  let graceTimer: NodeJS.Timeout | undefined;
  const stop = (reason: Abort) => {
    if (abort !== null || (reason.kind === 'cancelled' && parts.settleOnly !== undefined)) return;
    abort = reason;
    controller.abort(reason);
    graceTimer = setTimeout(() => {
      parts.log().warn({ kind: reason.kind }, 'The handler did not follow its abort signal; its attempt is given up');
      giveUp(reason);
    }, parts.graceMs ?? abortGraceMs);
  };
  const timer = setTimeout(
    () => stop(new Abort('timeout', `ran longer than its time-out of ${claim.timeoutMs} ms`)),
    claim.timeoutMs,
  );
  const letGo = [claim.guard(stop), parts.abortable(stop)];
  try {
    return { end: await Promise.race([traced(claim, () => attempt(claim, parts, controller.signal)), givenUp]), abort };
  } catch (thrown) {
    return { end: { thrown }, abort };
  } finally {
    clearTimeout(timer);
    clearTimeout(graceTimer);
    for (const release of letGo) release();
  }
}

function traced<Result>(
  { jobId: id, type, attempt, traceparent }: Claim,
  work: () => Promise<Result>,
): Promise<Result> {
  return withJobSpan({ id, type, queue: contractOf(type).queue, attempt, traceparent }, work);
}

async function attempt(claim: Claim, parts: PerformParts, signal: AbortSignal): Promise<AttemptEnd['end']> {
  signal.throwIfAborted();
  const handler = parts.handlers[claim.type];
  if (handler === undefined) {
    throw new PermanentError({ code: 'contract_violation', message: `This fleet has no handler for ${claim.type}` });
  }
  const opened = parts.sealer.open(claim.payload, contractOf(claim.type).personalData);
  const payload = parsePayload(claim.type, claim.payloadVersion, opened);
  const returned = await handler(payload, contextOf(claim, parts, signal));
  return {
    returned: returned instanceof Snooze ? returned : (parseResult(claim.type, returned) as Record<string, unknown>),
  };
}

function contextOf(claim: Claim, parts: PerformParts, signal: AbortSignal): JobContext {
  const effects: RunEffectParts = {
    store: claim.effects,
    signal,
    report: parts.report,
    acceptedAt: claim.createdAt,
    settleOnly: parts.settleOnly,
    onLateAnswer: (effect) => {
      if (effect.taken) parts.log().warn(effect, 'An answer came after its attempt had ended, and was recorded');
      else parts.log().error(effect, 'An answer came after its effect had been given up; look at it at the provider');
    },
  };
  return {
    jobId: claim.jobId,
    tenantId: claim.tenantId,
    attempt: claim.attempt,
    maxAttempts: claim.maxAttempts,
    requestId: claim.requestId,
    flowId: claim.flowId,
    createdAt: claim.createdAt,
    signal,
    get log() {
      return parts.log();
    },
    progress: parts.onProgress,
    effect: (name, spec) => runEffect(effects, name, spec),
  };
}
