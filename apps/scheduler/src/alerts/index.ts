import { day } from '@queue-service/contracts';
import type { Logger, Metrics } from '@queue-service/observability';
import { deleteIncidents, type NoticeTiming, noteIncidents, settleIncidents } from '@queue-service/persistence';
import type { Runtime } from '@queue-service/queue';
import { every } from '../every.ts';
import { steadily } from '../schedules/steadily.ts';
import type { AlertChannel } from './channels/channel.ts';
import { tellChannel } from './tell.ts';
import { type TroubleLimits, troubleLimits } from './trouble.ts';
import { watchOnce } from './watch.ts';

export interface AlertsOptions {
  runtime: Runtime;
  log: Logger;
  metrics: Metrics;
  channels: readonly AlertChannel[];
  /** Ends it. */
  signal: AbortSignal;
  limits?: Partial<TroubleLimits>;
  timing?: Partial<AlertTiming>;
}

/** All in milliseconds. */
export interface AlertTiming extends NoticeTiming {
  watchEveryMs: number;
  tellEveryMs: number;
  /** What is over is told as over when it has been so for this long: what flickers is one incident. */
  settleMs: number;
}

export const alertTiming: AlertTiming = {
  watchEveryMs: 5_000,
  tellEveryMs: 1_000,
  settleMs: 30_000,
  gatherMs: 5_000,
  growthMs: 15 * 60_000,
  leaseMs: 60_000,
};

const keptMs = 90 * day;

/**
 * Watches for trouble and tells people of it, and of its end. Every channel goes at its own pace: one that is away delays
 * neither the others nor any job. What each was told is in PostgreSQL, so that the next leader goes on where this one ended.
 *
 * Promises to tell each channel of each incident once, and once of its end, and again only when it grew worse. Does not
 * promise that a process killed between the answer of Slack and noting it is not followed by a repeat of that message;
 * PagerDuty and receivers of the webhook know a repeat by its key.
 */
export async function startAlerts(options: AlertsOptions): Promise<void> {
  const { runtime, log, metrics, channels, signal } = options;
  const { db } = runtime;
  const timing = { ...alertTiming, ...options.timing };
  const limits = { ...troubleLimits, ...options.limits };
  const leadsSince = runtime.now();
  const names = channels.map(({ name }) => name);
  const watch = steadily(log, 'Watching for trouble');
  await Promise.all([
    every(timing.watchEveryMs, signal, () =>
      watch(async () => {
        await watchOnce({ runtime, metrics, limits, leadsSince });
        const now = runtime.now();
        // In this order: what is settled has been noted for every channel.
        await noteIncidents(db, names, now);
        await settleIncidents(db, new Date(now.getTime() - timing.settleMs));
        await deleteIncidents(db, new Date(now.getTime() - keptMs));
      }),
    ),
    ...channels.map((channel) => {
      const tell = steadily(log, `Telling ${channel.name}`);
      return every(timing.tellEveryMs, signal, () =>
        tell(async () => {
          await tellChannel({ db, channel, log, metrics, signal, now: runtime.now, timing });
        }),
      );
    }),
  ]);
  metrics.incidentsOpen.reset();
}
