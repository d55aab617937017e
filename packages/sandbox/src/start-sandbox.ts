import { AlertsSimulator } from './alerts/simulator.ts';
import { FcmSimulator } from './fcm/simulator.ts';
import type { LocalCertificate } from './http/certificate.ts';
import { SandboxClock } from './http/clock.ts';
import { type Hosted, host } from './http/host.ts';
import type { RunningServer } from './http/server.ts';
import { type SegmentOptions, SegmentSimulator } from './segment/simulator.ts';
import { type SendgridOptions, SendgridSimulator } from './sendgrid/simulator.ts';
import { type StripeOptions, StripeSimulator } from './stripe/simulator.ts';
import { type TwilioOptions, TwilioSimulator } from './twilio/simulator.ts';
import { WebPushSimulator } from './webpush/simulator.ts';

export type ProviderName = 'stripe' | 'sendgrid' | 'twilio' | 'segment' | 'webpush' | 'fcm' | 'alerts';

export interface SandboxOptions {
  /** 0, the default, takes a free port of 127.0.0.1. */
  port?: number;
  /** The providers to serve; all by default. The others are built but cannot be reached. */
  only?: readonly ProviderName[];
  /** A JSON file that keeps the state over restarts. */
  statePath?: string;
  clock?: SandboxClock;
  /** Makes all ids repeatable; default random. */
  seed?: string;
  /** Listens by HTTPS too, on a free port: `webpush.sendNotification` speaks nothing else. */
  certificate?: LocalCertificate;
  stripe?: StripeOptions;
  sendgrid?: SendgridOptions;
  twilio?: TwilioOptions;
  segment?: SegmentOptions;
}

/** The running sandbox. Every provider's base URL is `url`: their paths do not overlap. */
export interface Sandbox extends RunningServer {
  secureUrl: string | undefined;
  clock: SandboxClock;
  stripe: StripeSimulator;
  sendgrid: SendgridSimulator;
  twilio: TwilioSimulator;
  segment: SegmentSimulator;
  webpush: WebPushSimulator;
  fcm: FcmSimulator;
  alerts: AlertsSimulator;
}

/**
 * All simulated providers on one port, with the inbox page at `/` and the controls under `/_sandbox`.
 * @throws when the port is taken or the state file is not readable
 */
export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const clock = options.clock ?? new SandboxClock();
  const seeded = options.seed === undefined ? {} : { seed: options.seed };
  const providers = {
    sendgrid: new SendgridSimulator(clock, { ...seeded, ...options.sendgrid }),
    twilio: new TwilioSimulator(clock, { ...seeded, ...options.twilio }),
    segment: new SegmentSimulator(clock, options.segment),
    webpush: new WebPushSimulator(clock, seeded),
    fcm: new FcmSimulator(clock, seeded),
    alerts: new AlertsSimulator(clock, seeded),
    // Last: what nobody else has under /v1 is answered by Stripe's "unrecognized request URL".
    stripe: new StripeSimulator(clock, { ...seeded, ...options.stripe }),
  };
  const served = Object.values(providers).filter(
    (provider: Hosted) => options.only?.includes(provider.name as ProviderName) ?? true,
  );
  const { port, statePath, certificate } = options;
  const server = await host(served, { port, statePath, certificate, clock });
  return { ...server, ...providers, clock };
}
