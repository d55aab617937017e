import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

const everybody = ['service', 'venueAdmin', 'admin'] as const;
const venue = ['venueAdmin', 'admin'] as const;
const admin = ['admin'] as const;

/** Who is let in, as the API table says; written out here, so that a route cannot change it by itself. */
const table: Record<string, readonly string[]> = {
  'post /jobs/:id/retry': venue,
  'delete /jobs/:id': venue,
  'get /jobs/:id/history': everybody,
  'get /queues': everybody,
  'get /queues/money/stats': everybody,
  'get /queues/money/metrics': everybody,
  'post /queues/money/pause': admin,
  'post /queues/money/resume': admin,
  'delete /queues/money/clean': admin,
  'get /schedules': venue,
  'post /schedules': venue,
  'get /schedules/:id': venue,
  'patch /schedules/:id': venue,
  'delete /schedules/:id': venue,
  'post /schedules/:id/run': venue,
  'get /schedules/:id/preview': venue,
  'get /schedules/:id/fires': venue,
  'get /dead-letters': venue,
  'get /dead-letters/:id': venue,
  'post /dead-letters/:id/redrive': venue,
  'post /dead-letters/redrive': venue,
  'get /dead-letters/redrives/:id': venue,
  'delete /dead-letters/redrives/:id': venue,
  'delete /dead-letters/:id': venue,
  'get /tenants/:id/limits': admin,
  'put /tenants/:id/limits': admin,
  'get /books/reconciliations': admin,
  'get /books/reconciliations/:id': admin,
  'get /books/differences': admin,
  'post /books/differences/:id/accept': admin,
  'get /tenants/venue-1/accounts': admin,
  'put /tenants/venue-1/accounts/acct_1Venue': admin,
  'delete /tenants/venue-1/accounts/acct_1Venue': admin,
  'get /audit-log': admin,
};

describe.each(Object.entries(table))('%s', (name, allowed) => {
  const [method = '', path = ''] = name.replace(':id', '00000000-0000-4000-8000-000000000000').split(' ');
  test.each(['nobody', 'garbage', ...everybody] as const)('as %s', async (who) => {
    const call = request(real.app)[method as 'get'](`/api/v1/queue${path}`);
    if (who === 'garbage') call.set('Authorization', 'Bearer garbage');
    else if (who !== 'nobody') call.set('Authorization', await bearer(who));
    const { status } = await call;
    if (allowed.includes(who)) expect([200, 204, 400, 404]).toContain(status);
    else expect(status).toBe(who === 'nobody' || who === 'garbage' ? 401 : 403);
  });
});
