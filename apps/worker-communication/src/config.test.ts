import type { ConfigError, Environment } from '@queue-service/observability';
import { describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { serviceAccount } from './testing/push-keys.ts';

const complete: Environment = {
  DATABASE_URL: 'postgres://localhost/queue',
  REDIS_URL: 'redis://localhost',
  SENDGRID_API_KEY: 'SG.key',
  SENDGRID_FROM: 'Tickets <tickets@example.com>',
  TWILIO_ACCOUNT_SID: `AC${'0'.repeat(32)}`,
  TWILIO_AUTH_TOKEN: 'token',
  TWILIO_FROM: '+15005550006',
  VAPID_PUBLIC_KEY: 'B'.repeat(87),
  VAPID_PRIVATE_KEY: 'private',
  VAPID_SUBJECT: 'mailto:ops@example.com',
  FCM_SERVICE_ACCOUNT: JSON.stringify(serviceAccount('https://oauth2.googleapis.com/token')),
};

function problems(changes: Environment): string[] {
  try {
    readConfig({ ...complete, ...changes });
    return [];
  } catch (error) {
    return (error as ConfigError).problems.map(({ variable, reason }) => `${variable} ${reason}`);
  }
}

describe('the configuration', () => {
  test('takes what is complete, and allows no address and no plain http by itself', () => {
    const config = readConfig(complete);
    expect(config).toMatchObject({ WEBHOOK_ALLOW_HTTP: false, FCM_SERVICE_ACCOUNT: { project_id: 'tickets' } });
    expect(config.WEBHOOK_ALLOW_ADDRESSES).toBeUndefined();
  });

  test('reads addresses that are allowed', () => {
    const config = readConfig({ ...complete, WEBHOOK_ALLOW_ADDRESSES: '127.0.0.1, 10.0.0.0/8' });
    expect(config.WEBHOOK_ALLOW_ADDRESSES?.allows('10.1.2.3')).toBe(true);
  });

  test('names every problem at once, and no value', () => {
    const found = problems({
      SENDGRID_API_KEY: undefined,
      SENDGRID_FROM: 'tickets',
      TWILIO_ACCOUNT_SID: 'AC123',
      FCM_SERVICE_ACCOUNT: '{"private_key":"very secret"}',
      WEBHOOK_ALLOW_ADDRESSES: 'localhost',
      SMTP_URL: 'http://mail.example.com',
    });
    expect(found).toHaveLength(6);
    expect(found.join('\n')).toMatch(/SENDGRID_API_KEY is not set/);
    expect(found.join('\n')).toMatch(
      /FCM_SERVICE_ACCOUNT is not a Google service account key: project_id, client_email, private_key/,
    );
    expect(found.join('\n')).not.toContain('very secret');
  });
});
