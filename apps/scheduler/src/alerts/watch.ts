import type { Metrics } from '@queue-service/observability';
import {
  closeIncident,
  closeUnseenIncidents,
  type IncidentKind,
  incidentKinds,
  incidentSeverities,
  listOpenIncidents,
  openIncident,
} from '@queue-service/persistence';
import type { Runtime } from '@queue-service/queue';
import { findTrouble, type TroubleLimits, watchedKinds } from './trouble.ts';

const minute = 60_000;

/** How long an incident that others raise stands without being raised again, in milliseconds. Others stand until closed. */
const fadesAfterMs: Partial<Record<IncidentKind, number>> = {
  recovery: 10 * minute,
  mint_balance_low: 30 * minute,
  circuit_open: 30 * minute,
  worker_stuck: 30 * minute,
};

export interface WatchOptions {
  runtime: Runtime;
  metrics: Metrics;
  limits: TroubleLimits;
  /** Since when this process leads: what the leader measures is not there before. */
  leadsSince: Date;
}

/** One look at everything that PostgreSQL can tell: opens what is wrong, closes what is over. */
export async function watchOnce({ runtime, metrics, limits, leadsSince }: WatchOptions): Promise<void> {
  const { db } = runtime;
  const now = runtime.now();
  const found = await findTrouble(db, limits, leadsSince, now);
  for (const incident of found) await openIncident(db, incident);
  const wrong = new Set(found.map(({ key }) => key));
  for (const { key, kind } of await listOpenIncidents(db)) {
    if (watchedKinds.has(kind) && !wrong.has(key)) await closeIncident(db, key);
  }
  for (const [kind, ms] of Object.entries(fadesAfterMs)) {
    await closeUnseenIncidents(db, kind as IncidentKind, new Date(now.getTime() - ms));
  }
  const open = await listOpenIncidents(db);
  for (const kind of incidentKinds) {
    for (const severity of incidentSeverities) {
      const count = open.filter((incident) => incident.kind === kind && incident.severity === severity).length;
      metrics.incidentsOpen.set({ kind, severity }, count);
    }
  }
}
