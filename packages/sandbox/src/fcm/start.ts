import type { ProviderOptions } from '../http/provider.ts';
import { type Standalone, type StandaloneOptions, startAlone } from '../http/standalone.ts';
import { FcmSimulator } from './simulator.ts';

/**
 * A simulated FCM with Google's token endpoint on its own port. google-auth-library always asks
 * `https://oauth2.googleapis.com/token`, whatever the key file says: rewrite that URL in a request interceptor of its
 * transporter, or let it sign its own tokens (`useJWTAccessWithScope`).
 */
export function startFcm(options: ProviderOptions & StandaloneOptions = {}): Promise<FcmSimulator & Standalone> {
  return startAlone((clock) => new FcmSimulator(clock, options), options);
}
