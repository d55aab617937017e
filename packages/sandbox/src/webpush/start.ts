import type { ProviderOptions } from '../http/provider.ts';
import { type Standalone, type StandaloneOptions, startAlone } from '../http/standalone.ts';
import { WebPushSimulator } from './simulator.ts';

/** A simulated push service on its own port; with a `certificate` it makes `https:` endpoints too. */
export function startWebPush(
  options: ProviderOptions & StandaloneOptions = {},
): Promise<WebPushSimulator & Standalone> {
  return startAlone((clock) => new WebPushSimulator(clock, options), options);
}
