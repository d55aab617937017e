import { useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase, type Sql } from '../database.ts';
import type { ListFilter } from './conditions.ts';
import { listDeadLetters } from './dead-letters.ts';
import { countDeadLetters } from './redrive-runs.ts';

let db: Database;

/** 20,000 letters: what is read for a page must not grow with them. */
beforeAll(async () => {
  db = openDatabase({ url: (await useDatabase()).url, poolSize: 1 });
  await db.query(
    '',
    `INSERT INTO dead_letters (id, job_id, queue, type, tenant_id, reason, status, error, attempts, payload, payload_version,
       priority, max_attempts, timeout_ms, created_at)
     SELECT gen_random_uuid(), gen_random_uuid(), CASE WHEN n % 2 = 0 THEN 'money' ELSE 'background' END, 'x', 'venue-' || n % 40,
       CASE WHEN n % 3 = 0 THEN 'attempts' ELSE 'permanent' END, CASE WHEN n % 10 = 0 THEN 'redriven' ELSE 'open' END,
       jsonb_build_object('code', CASE WHEN n = 10 THEN 'rare' ELSE 'frequent' || n % 4 END, 'message', repeat('x', 200)),
       1, '{}', 1, 5, 3, 1000, now() - n * interval '1 second'
     FROM generate_series(1, 20000) n`,
  );
  await db.query('', 'VACUUM ANALYZE dead_letters');
});
afterAll(() => db.close());

/** How many pages of 8 kB the statement of a function reads. */
async function pagesRead(ask: (sql: Sql) => Promise<unknown>): Promise<number> {
  let read = Number.NaN;
  const explaining = {
    query: async (_name: string, text: string, values: unknown[]) => {
      const [row] = await db.query<{ 'QUERY PLAN': { Plan: Record<string, number> }[] }>(
        '',
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
        values,
      );
      const plan = row?.['QUERY PLAN'][0]?.Plan;
      read = (plan?.['Shared Hit Blocks'] ?? Number.NaN) + (plan?.['Shared Read Blocks'] ?? Number.NaN);
      return [];
    },
  };
  await ask(explaining as unknown as Sql);
  return read;
}

const middle = {
  createdAt: new Date(Date.now() - 10_000_000).toISOString(),
  id: 'ffffffff-ffff-ffff-ffff-ffffffffffff',
};

it.each<[string, Partial<ListFilter>]>([
  ['all', {}],
  ['of a status', { status: 'open' }],
  ['of a status that few have', { status: 'discarded' }],
  ['of a queue', { queue: 'money' }],
  ['of a reason', { status: 'open', reason: 'attempts' }],
  ['of an error that many have', { status: 'open', code: 'frequent1' }],
  ['of an error that few have', { code: 'rare' }],
  ['of an error that none has', { status: 'open', code: 'none' }],
  ['of a tenant', { tenantId: 'venue-7' }],
  ['of a tenant, by status', { tenantId: 'venue-7', status: 'open' }],
])('the letters %s are read without the others, from the first page to the last', async (_, filter) => {
  for (const after of [null, middle]) {
    const read = await pagesRead((sql) => listDeadLetters(sql, { tenantId: null, ...filter }, after, 20));
    expect(read).toBeLessThan(100);
  }
});

it.each<[string, Partial<ListFilter>]>([
  ['all', {}],
  ['those of a queue', { queue: 'money' }],
  ['those of a tenant', { tenantId: 'venue-7' }],
])('counting %s that are open reads no letter, only an index', async (_, filter) => {
  const open = { tenantId: null, status: 'open', to: new Date(), ...filter };
  expect(await pagesRead((sql) => countDeadLetters(sql, open))).toBeLessThan(300);
});

it('reads much more where it reads all of them', async () => {
  expect(await pagesRead((sql) => sql.query('', 'SELECT payload FROM dead_letters', []))).toBeGreaterThan(900);
});
