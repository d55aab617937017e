import { type Standalone, type StandaloneOptions, startAlone } from '../http/standalone.ts';
import { type TwilioOptions, TwilioSimulator } from './simulator.ts';

/**
 * A simulated Twilio on its own port. The SDK has no base URL setting: give it an `httpClient` that puts this URL in
 * place of `https://api.twilio.com`, or set `client.api.baseUrl`.
 */
export function startTwilio(options: TwilioOptions & StandaloneOptions = {}): Promise<TwilioSimulator & Standalone> {
  return startAlone((clock) => new TwilioSimulator(clock, options), options);
}
