import { Secret } from '@queue-service/observability';
import { Webhook } from 'standardwebhooks';
import { expect, test } from 'vitest';
import { signedHeaders } from './sign.ts';

const secrets = ['new', 'old'].map(
  (name) => `whsec_${Buffer.from(`${name} secret of 24 bytes at least`).toString('base64')}`,
);
const body = '{"type":"job.completed"}';

test('while a secret is rotated, receivers with either secret accept the delivery', () => {
  const headers = signedHeaders(
    'd-1',
    body,
    secrets.map((secret) => new Secret(secret)),
    new Date(),
  );
  expect(headers['webhook-id']).toBe('d-1');
  expect(headers['webhook-signature']?.split(' ')).toHaveLength(2);
  for (const secret of secrets) expect(new Webhook(secret).verify(body, headers)).toEqual({ type: 'job.completed' });
});

test('a receiver with another secret does not', () => {
  const headers = signedHeaders('d-1', body, [new Secret(secrets[0] ?? '')], new Date());
  expect(() => new Webhook(secrets[1] ?? '').verify(body, headers)).toThrow();
});

test('an address without a secret gets no signature', () => {
  const at = new Date('2027-01-02T03:04:05.900Z');
  expect(signedHeaders('d-1', body, [], at)).toEqual({ 'webhook-id': 'd-1', 'webhook-timestamp': '1798859045' });
});
