import { componentOf, containersOf, type Manifest, nameOf } from './manifest.ts';

/** Variables that move money or stand for another's account, and the only components that may read them. */
const READERS: Readonly<Record<string, readonly string[]>> = {
  STRIPE_SECRET_KEY: ['money'],
  SOLANA_MINT_AUTHORITY: ['money'],
  SOLANA_RPC_URL: ['money'],
  STRIPE_WEBHOOK_SECRET: ['api'],
  JWT_SECRET: ['api'],
  JWT_PUBLIC_KEY: ['api'],
  METRICS_TOKEN: ['api'],
  SENDGRID_API_KEY: ['communication'],
  SMTP_URL: ['communication'],
  VAPID_PRIVATE_KEY: ['communication'],
  FCM_SERVICE_ACCOUNT: ['communication'],
  TWILIO_AUTH_TOKEN: ['communication', 'api'],
  SEGMENT_WRITE_KEY: ['background'],
  AWS_ACCESS_KEY_ID: ['background', 'api'],
  AWS_SECRET_ACCESS_KEY: ['background', 'api'],
  ALERT_SLACK_WEBHOOK_URL: ['scheduler'],
  ALERT_PAGERDUTY_ROUTING_KEY: ['scheduler'],
  ALERT_WEBHOOK_URL: ['scheduler'],
  ALERT_WEBHOOK_SECRET: ['scheduler'],
};

/** No secrets, but they may be kept beside one. */
const PUBLIC = /^(SENDGRID_FROM|TWILIO_ACCOUNT_SID|TWILIO_FROM|VAPID_PUBLIC_KEY|VAPID_SUBJECT)$/;
/** Stores are everybody's, the migration reads one of them; the password of bundled stores is their own. */
const SHARED = /^(DATABASE_URL|REDIS_(MONEY_|COMMUNICATION_|BACKGROUND_)?URL|PAYLOAD_ENCRYPTION_KEYS)$/;
const OF_STORES = /^(POSTGRES_PASSWORD|REDIS_PASSWORD)$/;
const OF_OPERATORS = /^QUEUE_TOKEN$/;

/** What a pod runs: `money`, `api` …: from its program, not from its labels, which anybody may choose. */
export function programOf(args: readonly string[] | undefined): string | undefined {
  return /^apps\/(?:worker-)?([a-z]+)\/src\/main\.ts$/.exec(args?.[1] ?? '')?.[1];
}

/** Pods that are given a secret that is not theirs. */
export function strayedSecrets(manifests: readonly Manifest[]): string[] {
  return manifests.flatMap((manifest) =>
    containersOf(manifest).flatMap(({ env = [], envFrom = [], args }) => {
      const program = programOf(args);
      const whole = envFrom.filter(({ secretRef }) => secretRef).map(() => 'a whole Secret');
      const read = env.filter(({ valueFrom }) => valueFrom?.secretKeyRef).map(({ name }) => name);
      const stray = read.filter((name) => {
        if (READERS[name]) return program === undefined || !READERS[name].includes(program);
        if (PUBLIC.test(name)) return program !== 'communication';
        if (SHARED.test(name)) return program === undefined && componentOf(manifest) !== 'migrate';
        if (OF_OPERATORS.test(name)) return componentOf(manifest) !== 'ops';
        return !(OF_STORES.test(name) && /^(postgresql|redis-)/.test(componentOf(manifest) ?? ''));
      });
      const plain = env
        .filter(({ name, value }) => READERS[name] && value !== undefined)
        .map(({ name }) => `${name} as text`);
      return [...stray, ...whole, ...plain].map((what) => `${nameOf(manifest)} is given ${what}`);
    }),
  );
}
