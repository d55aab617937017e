import type { Instruments } from './instruments.ts';

/** What the scheduler counts about its own duties. */
export function schedulerMetrics({ counter, gauge }: Instruments) {
  return {
    relayLag: gauge(
      'relay_lag_seconds',
      'Age of the oldest stored job that Redis does not know yet; 0 if there is none',
      ['queue'],
    ),
    relayed: counter('relayed_jobs_total', 'Stored jobs that the relay had to dispatch', ['queue']),
    leader: gauge('leader', '1 while this process leads in the role, else 0', ['role']),
    scheduleFires: counter('schedule_fires_total', 'Times a schedule came due, by what was done', ['outcome']),
    incidentsOpen: gauge('incidents_open', 'Incidents that are open, measured by the leader', ['kind', 'severity']),
    alerts: counter('alerts_total', 'Attempts to tell a channel of an incident: told or failed', [
      'channel',
      'outcome',
    ]),
    scheduleMissed: counter(
      'schedule_missed_total',
      'Times of schedules that passed while nobody was there to fire them',
      ['outcome'],
    ),
  };
}
