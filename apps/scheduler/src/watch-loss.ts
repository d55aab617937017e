import type { QueueConnection } from '@queue-service/queue';
import { newId } from '@queue-service/queue';

/** Long enough to outlive any pause between two looks, short enough to leave nothing behind. */
const markTtlSeconds = 3_600;

/**
 * Tells when a Redis has lost what it was told (FLUSHALL, a restart without its data, a failover to a replica that lagged
 * behind), by a counter there that is raised at each look: one that is gone or stands lower was lost with the rest.
 *
 * The answer runs `restore` when there was a loss, and at the first look, when nothing is known. The new counter is set
 * before `restore` begins, so that a loss in the middle of it shows at the next look; one that throws is run again. It is
 * told whether a loss was seen.
 *
 * @param purpose who watches: each counts for itself
 * @throws what `restore` throws, and while Redis is away
 */
export function watchLoss(
  { redis, prefix, name }: QueueConnection,
  purpose: string,
): (restore: (lost: boolean) => Promise<void>) => Promise<void> {
  let known: { key: string; count: number } | null = null;
  let lost = false;

  /** Null when Redis took none of it. */
  const raise = async (key: string): Promise<number | null> => {
    const replies = await redis.multi().incr(key).expire(key, markTtlSeconds).exec();
    const [error, count] = replies?.[0] ?? [];
    if (error) throw error;
    return typeof count === 'number' ? count : null;
  };

  return async (restore) => {
    if (known !== null) {
      const count = await raise(known.key);
      if (count === known.count + 1) {
        known.count = count;
        return;
      }
      known = null;
      lost = true;
    }
    const key = `${prefix}:${name}:${purpose}-mark:${newId()}`;
    await redis.set(key, 1, 'EX', markTtlSeconds);
    await restore(lost);
    lost = false;
    known = { key, count: 1 };
  };
}
