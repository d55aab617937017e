import type { CIRCUIT_STATES, Logger } from '@queue-service/observability';
import { closeIncident, openIncident, type Sql } from '@queue-service/persistence';
import type { Provider } from '@queue-service/queue';

/**
 * Makes an incident of a provider whose circuit is open. The failure of one origin among many (Web Push) is its own, not
 * the service's. What cannot be written is logged: a job must not wait for it.
 */
export function circuitIncidents(
  sql: Sql,
  log: Logger,
): (provider: Provider, state: keyof typeof CIRCUIT_STATES) => void {
  return (provider, state) => {
    if (provider === 'webpush' || state === 'halfOpen') return;
    const key = `circuit_open:${provider}`;
    const summary = `The circuit of ${provider} is open: jobs are put back without a call`;
    const written =
      state === 'closed'
        ? closeIncident(sql, key)
        : openIncident(sql, { key, kind: 'circuit_open', severity: 'warning', summary, details: { provider } });
    written.catch((error: unknown) => log.warn({ err: error, provider }, 'The incident of a circuit was not written'));
  };
}
