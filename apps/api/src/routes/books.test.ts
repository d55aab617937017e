import { contracts } from '@queue-service/contracts';
import { listOpenIncidents, openIncident, recordReconciliation } from '@queue-service/persistence';
import { newId } from '@queue-service/queue';
import request from 'supertest';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer, type claims } from '../testing/tokens.ts';

let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

const call = async (
  method: 'get' | 'post' | 'put' | 'delete',
  path: string,
  body?: object,
  who: keyof typeof claims = 'admin',
) =>
  request(real.app)
    [method](`/api/v1/queue${path}`)
    .set('Authorization', await bearer(who))
    .send(body);

test('differences are listed, and one that is explained counts no more', async () => {
  const { db } = real.runtime;
  const id = newId();
  const at = new Date('2027-01-01T10:00:00Z');
  const counts = { ledgerRows: 3, providerRows: 4, ledgerOnly: 0, providerOnly: 1, amountDiffers: 0, statusDiffers: 0 };
  const unknown = { ledgerAmount: null, ledgerCurrency: null, ledgerState: null, effectId: null, jobId: null };
  await recordReconciliation(db, { id, from: at, to: new Date('2027-01-02T10:00:00Z'), ...counts }, [
    {
      ...{ key: 'k', kind: 'provider_only', provider: 'stripe', object: 'refund', providerId: 're_hand', ...unknown },
      ...{ providerAmount: 50, providerCurrency: 'eur', providerStatus: 'succeeded', happenedAt: at },
    },
  ]);
  await openIncident(db, {
    key: 'books_differ',
    kind: 'books_differ',
    severity: 'critical',
    summary: 's',
    details: {},
  });

  expect((await call('get', `/books/reconciliations/${id}`)).body.reconciliation).toMatchObject(counts);
  expect((await call('get', '/books/reconciliations')).body.reconciliations).toHaveLength(1);
  const { body } = await call('get', '/books/differences?status=open');
  expect(body.differences).toMatchObject([
    { providerId: 're_hand', ledger: null, atProvider: { amount: 50, currency: 'eur' }, reconciliationId: id },
  ]);
  const path = `/books/differences/${body.differences[0].id}/accept`;
  expect((await call('post', path, { reason: 'made by hand for order 7' })).body.difference.status).toBe('accepted');
  expect((await call('post', path, { reason: 'again' })).status).toBe(404);
  expect((await call('get', '/books/differences?status=open')).body.differences).toEqual([]);
  expect(await listOpenIncidents(db)).toEqual([]);
  expect((await call('get', '/audit-log')).body.entries[0]).toMatchObject({ action: 'books.accept-difference' });
});

test('only an admin may ask for a comparison, and for nobody’s tenant', async () => {
  const job = { queue: 'money', type: 'reconcile-books', data: contracts['reconcile-books'].example.payload };
  expect((await call('post', '/jobs', job, 'service')).status).toBe(403);
  expect((await call('post', '/jobs', job, 'venueAdmin')).status).toBe(403);
  expect((await call('post', '/jobs', job)).body.job).toMatchObject({ type: 'reconcile-books', tenantId: 'platform' });
});

test('an account is put on a tenant’s list, shown and taken off again, and all of it is written down', async () => {
  const path = '/tenants/venue-1/accounts';
  expect((await call('put', `${path}/acct_1Venue`, { note: 'Hall' })).body.account).toMatchObject({ note: 'Hall' });
  expect((await call('put', `${path}/acct_1Venue`, {})).body.account).toMatchObject({ note: null });
  expect((await call('get', path)).body.accounts).toMatchObject([{ accountId: 'acct_1Venue', createdBy: 'root' }]);
  expect((await call('get', '/tenants/venue-2/accounts')).body.accounts).toEqual([]);
  expect((await call('put', `${path}/nothing`, {})).status).toBe(404);
  expect((await call('delete', `${path}/acct_1Venue`)).status).toBe(204);
  expect((await call('delete', `${path}/acct_1Venue`)).status).toBe(404);
  const { entries } = (await call('get', '/audit-log?resource=tenant_account')).body;
  expect(entries.map(({ action, tenantId }: Record<string, string>) => [action, tenantId])).toEqual([
    ['accounts.forbid', 'venue-1'],
    ['accounts.allow', 'venue-1'],
    ['accounts.allow', 'venue-1'],
  ]);
});
