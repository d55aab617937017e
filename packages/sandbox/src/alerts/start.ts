import type { ProviderOptions } from '../http/provider.ts';
import { type Standalone, type StandaloneOptions, startAlone } from '../http/standalone.ts';
import { AlertsSimulator } from './simulator.ts';

/** Inboxes on their own port: Slack at `/services/T/B/secret`, PagerDuty at `/v2/enqueue`, webhooks at `/hooks/<name>`. */
export function startAlerts(options: ProviderOptions & StandaloneOptions = {}): Promise<AlertsSimulator & Standalone> {
  return startAlone((clock) => new AlertsSimulator(clock, options), options);
}
