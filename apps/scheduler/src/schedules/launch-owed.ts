import { type QueueName, queueNames } from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import { type FirePosition, listOwedFires, pageUnendedFires, settleFires } from '@queue-service/persistence';
import { launchFires, type Runtime, redispatchFires } from '@queue-service/queue';

/** A fire that was decided this long ago and is not handed over was forgotten, not just decided. */
const forgottenAfterMs = 3_000;
/** How far back jobs of fires are looked for after Redis lost its data. */
const lossWindowMs = 6 * 3_600_000;
const batchSize = 500;
const firstId = '00000000-0000-0000-0000-000000000000';

interface Parts {
  runtime: Runtime;
  log: Logger;
  signal: AbortSignal;
}

/** Hands over what a crash or an absent queue has left owed. */
export async function launchOwed({ runtime, log, signal }: Parts): Promise<void> {
  for (;;) {
    const decidedBefore = new Date(runtime.now().getTime() - forgottenAfterMs);
    const owed = await listOwedFires(runtime.db, queuesThatTake(runtime), decidedBefore, batchSize);
    const ended = owed.filter((fire) => fire.ended);
    if (ended.length > 0) {
      await settleFires(
        runtime.db,
        ended.map((fire) => ({ ...fire, status: 'fired', reason: null })),
        runtime.now(),
      );
    }
    const launched = await launchFires(
      { ...runtime, log },
      owed.filter((fire) => !fire.ended),
    );
    if (owed.length < batchSize || launched.length === 0 || signal.aborted) return;
  }
}

/** Money is taken whenever PostgreSQL is there. */
function queuesThatTake({ connections }: Runtime): QueueName[] {
  return queueNames.filter((name) => name === 'money' || connections.of(name).redis.status === 'ready');
}

/**
 * After a Redis has lost its data: the jobs that fires have put there and that have not ended. Answers how many. Not for
 * money, whose relay restores it from the ledger.
 */
export async function relaunchLost(
  { runtime, log, signal }: Parts,
  queue: 'communication' | 'background',
): Promise<number> {
  let after: FirePosition = { fireAt: new Date(runtime.now().getTime() - lossWindowMs), scheduleId: firstId };
  let count = 0;
  while (!signal.aborted) {
    const lost = await pageUnendedFires(runtime.db, queue, after, batchSize);
    await redispatchFires({ ...runtime, log }, queue, lost);
    count += lost.length;
    const last = lost.at(-1);
    if (last === undefined || lost.length < batchSize) break;
    after = last;
  }
  return count;
}
