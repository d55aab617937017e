import { findSuppressed, insertSuppression } from '@queue-service/persistence';
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

const call = async (method: 'get' | 'delete', path: string, who: Parameters<typeof bearer>[0] = 'service') =>
  request(real.app)
    [method](`/api/v1/queue${path}`)
    .set('Authorization', await bearer(who));

it('lists the addresses of the tenant, finds one by any spelling, and removes it', async () => {
  const { db, sealer } = real.runtime;
  const entry = { tenantId: 'venue-1', reason: 'bounced', source: 'sendgrid' };
  await insertSuppression(db, sealer, { ...entry, channel: 'email', address: 'ada@example.com' });
  await insertSuppression(db, sealer, { ...entry, channel: 'sms', address: '+41791234567', reason: 'opted_out' });
  await insertSuppression(db, sealer, { ...entry, tenantId: 'venue-2', channel: 'email', address: 'eve@example.com' });

  const all = await call('get', '/suppressions');
  expect(all.body.suppressions.map(({ address }: { address: string }) => address).sort()).toEqual([
    '+41791234567',
    'ada@example.com',
  ]);
  const found = await call('get', '/suppressions?channel=email&address=Ada@Example.com');
  expect(found.body.suppressions).toMatchObject([{ address: 'ada@example.com', reason: 'bounced', channel: 'email' }]);
  expect((await call('get', '/suppressions?address=ada@example.com')).body.errors).toMatchObject([{ path: 'channel' }]);

  const { id } = found.body.suppressions[0];
  expect((await call('delete', `/suppressions/${id}`, 'otherTenant')).status).toBe(404);
  expect((await call('delete', `/suppressions/${id}`)).status).toBe(204);
  expect((await call('delete', `/suppressions/${id}`)).status).toBe(404);
  expect(await findSuppressed(db, sealer, 'venue-1', 'email', ['ada@example.com'])).toEqual([]);
  const log = await call('get', `/audit-log?resourceId=${id}`, 'admin');
  expect(log.body.entries).toMatchObject([{ action: 'suppression.delete', before: { reason: 'bounced' } }]);
  expect(JSON.stringify(log.body)).not.toContain('ada@');
});
