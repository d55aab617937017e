import { join } from 'node:path';
import { Keypair } from '@solana/web3.js';
import bs58 from 'bs58';
import { type SolanaSandbox, startSolana } from '../solana/start-solana.ts';
import { type Sandbox, startSandbox } from '../start-sandbox.ts';
import type { DemoSecrets } from './secrets.ts';

export interface DemoProviders {
  sandbox: Sandbox;
  solana: SolanaSandbox;
  /** The provider variables of the service's processes, all pointing at the sandbox. */
  env: Record<string, string>;
  stop(): Promise<void>;
}

export interface DemoProvidersOptions {
  /** Where the state is kept between runs; nowhere by default. */
  dataDir?: string;
  secrets: DemoSecrets;
  /** Default: free ports. */
  port?: number;
  solanaPort?: number;
  /** Milliseconds a slot lasts; default as on mainnet. Shorter ones make blockhashes expire sooner. */
  slotMs?: number;
  /** Where the API is, below which the providers send their events; without it they send none. */
  apiUrl?: string;
}

const twilioToken = 'sandbox-token';
const lamportsPerSol = 1_000_000_000;

/** Simulated providers for a whole installation. What the environment names itself should be used instead of these. */
export async function startDemoProviders(options: DemoProvidersOptions): Promise<DemoProviders> {
  const { dataDir, secrets, apiUrl } = options;
  const authority = Keypair.fromSecretKey(bs58.decode(secrets.mintAuthority)).publicKey.toBase58();
  const sandbox = await startSandbox({
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(dataDir === undefined ? {} : { statePath: join(dataDir, 'providers.json') }),
    twilio: { authToken: twilioToken, autoDeliver: true },
    sendgrid: {
      autoDeliver: true,
      ...(apiUrl === undefined ? {} : { webhook: { url: `${apiUrl}/providers/sendgrid/webhook` } }),
    },
  });
  const solana = await startSolana({
    ...(options.solanaPort === undefined ? {} : { port: options.solanaPort }),
    ...(dataDir === undefined ? {} : { statePath: join(dataDir, 'solana.json') }),
    ...(options.slotMs === undefined ? {} : { slotMs: options.slotMs }),
    fund: { [authority]: 100 * lamportsPerSol },
  });
  const account = sandbox.fcm.createFcmServiceAccount();
  return {
    sandbox,
    solana,
    env: {
      STRIPE_SECRET_KEY: 'sk_test_sandbox',
      STRIPE_WEBHOOK_SECRET: secrets.stripeWebhookSecret,
      STRIPE_API_BASE: sandbox.url,
      SOLANA_RPC_URL: solana.url,
      SOLANA_MINT_AUTHORITY: secrets.mintAuthority,
      SENDGRID_API_KEY: 'SG.sandbox',
      SENDGRID_BASE_URL: sandbox.url,
      SENDGRID_WEBHOOK_PUBLIC_KEY: sandbox.sendgrid.events.publicKey,
      SENDGRID_FROM: 'Tickets <tickets@example.com>',
      TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
      TWILIO_AUTH_TOKEN: twilioToken,
      TWILIO_FROM: '+15005550006',
      TWILIO_BASE_URL: sandbox.url,
      ...(apiUrl === undefined ? {} : { TWILIO_STATUS_CALLBACK_URL: `${apiUrl}/providers/twilio/webhook` }),
      VAPID_PUBLIC_KEY: secrets.vapidPublicKey,
      VAPID_PRIVATE_KEY: secrets.vapidPrivateKey,
      VAPID_SUBJECT: 'mailto:ops@example.com',
      FCM_SERVICE_ACCOUNT: JSON.stringify(account),
      FCM_BASE_URL: sandbox.url,
      SEGMENT_WRITE_KEY: 'sandbox',
      SEGMENT_HOST: sandbox.url,
      ALERT_SLACK_WEBHOOK_URL: `${sandbox.url}/services/T000/B000/sandbox`,
      ALERT_PAGERDUTY_URL: `${sandbox.url}/v2/enqueue`,
      ALERT_PAGERDUTY_ROUTING_KEY: '0'.repeat(32),
      ALERT_WEBHOOK_URL: `${sandbox.url}/hooks/alerts`,
      ALERT_WEBHOOK_SECRET: secrets.alertWebhookSecret,
      WEBHOOK_ALLOW_ADDRESSES: '127.0.0.0/8',
      WEBHOOK_ALLOW_HTTP: 'true',
    },
    stop: async () => {
      await Promise.all([sandbox.stop(), solana.stop()]);
    },
  };
}
