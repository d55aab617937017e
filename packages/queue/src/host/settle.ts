import type { Logger } from '@queue-service/observability';
import { type AttemptRecord, isDatabaseUnavailable } from '@queue-service/persistence';
import { DelayedError, type Job, UnrecoverableError, WaitingError } from 'bullmq';
import type { Claim, Settlement } from '../tiers/tier.ts';
import type { Outcome } from './outcome.ts';

/** An end is worth a few tries: giving up leaves the work done and unrecorded until the claim runs out. */
export async function settleUntilStored(
  claim: Claim,
  outcome: Outcome,
  attempt: AttemptRecord,
  log: () => Logger,
): Promise<Settlement> {
  for (let waitMs = 100; ; waitMs *= 2) {
    try {
      return await claim.settle(outcome, attempt);
    } catch (error) {
      if (!isDatabaseUnavailable(error) || waitMs > 1_600) throw error;
      log().warn({ err: error }, 'The end of the attempt could not be written; trying again');
      await new Promise((resolve) => setTimeout(resolve, waitMs));
    }
  }
}

/** Ends the job in Redis as it was settled. */
export async function tellBull(job: Job, token: string | undefined, settlement: Settlement): Promise<unknown> {
  switch (settlement.kind) {
    case 'done':
      return settlement.value;
    case 'failed':
      throw new UnrecoverableError(`${settlement.error.code}: ${settlement.error.message}`);
    case 'later':
      if (settlement.delayMs <= 0) {
        await job.moveToWait(token);
        await settlement.moved?.();
        throw new WaitingError();
      }
      await job.moveToDelayed(Date.now() + settlement.delayMs, token);
      await settlement.moved?.();
      throw new DelayedError();
  }
}
