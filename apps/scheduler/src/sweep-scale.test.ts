import {
  countQueueFlow,
  type Database,
  findExpiredLeases,
  findForgottenSteps,
  findUndispatched,
  firstStep,
  listOwedDeliveries,
  openDatabase,
  pageCancellingSteps,
  pageOpenSteps,
  pageUnfinished,
  type Sql,
} from '@queue-service/persistence';
import { useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';

let db: Database;
const firstId = '00000000-0000-0000-0000-000000000000';

/** A million finished and 100,000 unfinished jobs; 100,000 finished and 10,000 unfinished steps of flows. */
beforeAll(async () => {
  db = openDatabase({ url: (await useDatabase()).url, poolSize: 1 });
  await withoutIndexes('critical_jobs', async () => {
    await db.query(
      '',
      `INSERT INTO critical_jobs (id, queue, type, status, priority, max_attempts, timeout_ms, tenant_id, request_hash, payload,
         payload_version, dispatched_at, lease_until, created_at, finished_at)
       SELECT lpad(to_hex(n), 32, '0')::uuid, 'money', 'payment-process', CASE WHEN n % 11 > 0 THEN 'completed' WHEN n % 2 = 0
         THEN 'pending' ELSE 'processing' END, 7, 10, 1000, 't', '', '{}', 1, now(), now() + interval '1 hour',
         now() - n * interval '1 second', CASE WHEN n % 11 > 0 THEN now() - n * interval '1 second' END
       FROM generate_series(1, 1100000) n`,
    );
  });
  await db.query('', `INSERT INTO flows (id, name, tenant_id, request_hash) VALUES ('${firstId}', 'f', 't', '')`);
  await withoutIndexes('flow_steps', async () => {
    await db.query(
      '',
      `INSERT INTO flow_steps (flow_id, name, position, queue, type, payload, payload_version, depends_on, on_failure, status,
         job_id, released_at, dispatched_at)
       SELECT '${firstId}', n::text, n, CASE WHEN n % 2 = 0 THEN 'money' ELSE 'background' END, 'x', '{}', 1, '{}', 'fail',
         CASE WHEN n % 11 > 0 THEN 'completed' ELSE 'pending' END, gen_random_uuid(), now() - interval '1 hour',
         CASE WHEN n % 2 = 1 THEN now() END
       FROM generate_series(1, 110000) n`,
    );
  });
  for (const table of ['critical_jobs', 'flow_steps', 'flows']) await db.query('', `ANALYZE ${table}`);
}, 120_000);
afterAll(() => db.close());

/** Fills a table many times faster: its indexes are made when it is full. */
async function withoutIndexes(table: string, fill: () => Promise<void>): Promise<void> {
  const indexes = await db.query<{ name: string; definition: string }>(
    '',
    `SELECT i.indexname AS name, i.indexdef AS definition FROM pg_indexes i
     WHERE i.tablename = $1 AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conname = i.indexname)`,
    [table],
  );
  for (const { name } of indexes) await db.query('', `DROP INDEX ${name}`);
  await fill();
  await db.query('', `SET maintenance_work_mem = '256MB'`);
  for (const { definition } of indexes) await db.query('', definition);
}

interface Plan {
  'Node Type': string;
  'Index Name'?: string;
  'Relation Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

/** Runs a sweep's own statement under EXPLAIN. */
async function planOf(sweep: (sql: Sql) => Promise<unknown>): Promise<{ nodes: Plan[]; pages: number }> {
  const plans: Plan[] = [];
  await sweep({
    query: async <Row extends object>(_name: string, text: string, values: readonly unknown[] = []) => {
      const [row] = await db.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        '',
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`,
        values,
      );
      if (row !== undefined) plans.push(row['QUERY PLAN'][0].Plan);
      return [] as Row[];
    },
  });
  const [top] = plans;
  if (top === undefined) throw new Error('nothing was explained');
  const flat = (node: Plan): Plan[] => [node, ...(node.Plans ?? []).flatMap(flat)];
  return { nodes: flat(top), pages: top['Shared Hit Blocks'] + top['Shared Read Blocks'] };
}

/** Index used, and pages of 8 kB read at most: 1,000 rows where there are that many, nothing where there are none. */
it.each<[string, string, number, (sql: Sql) => Promise<unknown>]>([
  [
    'jobs that were never dispatched',
    'critical_jobs_undispatched_idx',
    20,
    (sql) => findUndispatched(sql, 3_000, 1_000),
  ],
  ['jobs whose lease ran out', 'critical_jobs_leased_idx', 20, (sql) => findExpiredLeases(sql, 3_000, 1_000)],
  ['a page of unfinished jobs', 'critical_jobs_unfinished_idx', 1_100, (sql) => pageUnfinished(sql, firstId, 1_000)],
  ['steps whose dispatch was forgotten', 'flow_steps_owed_idx', 40, (sql) => findForgottenSteps(sql, 3_000, 1_000)],
  ['jobs of flows that end', 'flow_steps_cancelling_idx', 20, (sql) => pageCancellingSteps(sql, firstStep, 1_000)],
  [
    'a page of open steps',
    'flow_steps_open_idx',
    2_500,
    (sql) => pageOpenSteps(sql, 'step', 'background', firstStep, 1_000),
  ],
  [
    'a page of open compensations',
    'flow_steps_compensating_idx',
    20,
    (sql) => pageOpenSteps(sql, 'compensation', 'background', firstStep, 1_000),
  ],
  ['webhooks that are owed', 'webhook_deliveries_undispatched_idx', 20, (sql) => listOwedDeliveries(sql, 3_000, 1_000)],
  [
    'what happened in 15 s',
    'critical_jobs_finished_idx',
    200,
    (sql) => countQueueFlow(sql, new Date(Date.now() - 15_000), new Date()),
  ],
])('finds %s by an index, in few pages', async (_what, index, mostPages, sweep) => {
  const { nodes, pages } = await planOf(sweep);
  expect(nodes.map((node) => node['Index Name'])).toContain(index);
  const scanned = nodes.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']);
  expect(scanned.filter((table) => table !== 'flows' && table !== 'jobs')).toEqual([]);
  expect(pages).toBeLessThanOrEqual(mostPages);
});
