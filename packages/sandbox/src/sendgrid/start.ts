import { type Standalone, type StandaloneOptions, startAlone } from '../http/standalone.ts';
import { type SendgridOptions, SendgridSimulator } from './simulator.ts';

/** A simulated SendGrid on its own port. Set it as the client's `baseUrl`, after `setApiKey`, which resets it. */
export function startSendgrid(
  options: SendgridOptions & StandaloneOptions = {},
): Promise<SendgridSimulator & Standalone> {
  return startAlone((clock) => new SendgridSimulator(clock, options), options);
}
