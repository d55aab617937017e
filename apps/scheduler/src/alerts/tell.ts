import type { Logger, Metrics } from '@queue-service/observability';
import {
  type AlertNotice,
  claimNotices,
  type Database,
  deferNotices,
  markTold,
  type NoticeTiming,
} from '@queue-service/persistence';
import { type AlertChannel, ChannelError } from './channels/channel.ts';

export interface TellOptions {
  db: Database;
  channel: AlertChannel;
  log: Logger;
  metrics: Metrics;
  signal: AbortSignal;
  now: () => Date;
  timing: NoticeTiming;
}

const retryFirstMs = 1_000;
const retryLastMs = 300_000;
const claimed = 20;

/** Doubles from a second to five minutes. */
export function retryAfterMs(attempts: number): number {
  return Math.min(retryFirstMs * 2 ** Math.min(attempts - 1, 20), retryLastMs);
}

/**
 * Tells one channel what it is due to hear; answers how many notices it took. What was claimed and not told (the channel
 * is away, the process died) is claimed again later, here or by the next leader: the state is in PostgreSQL alone.
 */
export async function tellChannel(options: TellOptions): Promise<number> {
  const { db, channel, now, timing, signal } = options;
  const notices = await claimNotices(db, channel.name, now(), timing, claimed);
  let told = 0;
  for (let next = 0; next < notices.length; next += channel.batch) {
    const batch = notices.slice(next, next + channel.batch);
    try {
      await channel.send(batch, signal);
    } catch (error) {
      // One that is refused is set aside; a channel that is away is spared the others.
      const alone = error instanceof ChannelError && error.refused;
      await setAside(options, alone ? batch : notices.slice(next), error);
      if (alone) continue;
      return told;
    }
    for (const notice of batch) await markTold(db, channel.name, notice, now());
    options.metrics.alerts.inc({ channel: channel.name, outcome: 'told' }, batch.length);
    told += batch.length;
  }
  return told;
}

async function setAside(options: TellOptions, notices: readonly AlertNotice[], error: unknown): Promise<void> {
  const { db, channel, now, log, metrics } = options;
  const attempts = Math.max(...notices.map((notice) => notice.attempts));
  const asked = error instanceof ChannelError ? error.retryAfterMs : null;
  const waitMs = Math.max(retryAfterMs(attempts), Math.min(asked ?? 0, retryLastMs));
  const ids = notices.map(({ id }) => id);
  await deferNotices(db, channel.name, ids, new Date(now().getTime() + waitMs));
  metrics.alerts.inc({ channel: channel.name, outcome: 'failed' }, notices.length);
  const reason = error instanceof ChannelError ? error.message : { err: error };
  log.warn(
    { channel: channel.name, notices: ids.length, attempts, waitMs, reason },
    'A channel for alerts took nothing',
  );
}
