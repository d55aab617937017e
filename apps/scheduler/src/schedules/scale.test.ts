import {
  listOwedFires,
  lockOverdueSchedules,
  pageQueuedFires,
  pageUpcoming,
  type Sql,
} from '@queue-service/persistence';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../testing/schedules.ts';

const now = new Date('2030-05-05T12:00:00Z');
const firstId = '00000000-0000-0000-0000-000000000000';
let stage: Stage;

/** 100,000 schedules that fire hourly, spread over the hour, and 200,000 fires behind them. */
beforeAll(async () => {
  const { url } = await useDatabase();
  const { prefix, url: redisUrl } = usePrefix();
  stage = openStage({ databaseUrl: url, redisUrl, prefix });
  const { db } = stage.runtime;
  await db.query(
    '',
    `INSERT INTO schedules (id, tenant_id, name, queue, type, payload, payload_version, every_ms, next_run)
     SELECT gen_random_uuid(), 't', n::text, 'money', 'payment-process', '{}', 1, 3600000,
       $1::timestamptz - interval '1 second' + n * interval '36 milliseconds' FROM generate_series(1, 100000) n`,
    [now],
  );
  await db.query(
    '',
    `INSERT INTO schedule_fires (schedule_id, fire_at, status, job_id, created_at)
     SELECT s.id, s.next_run - h * interval '1 hour', 'fired', gen_random_uuid(), s.next_run - h * interval '1 hour'
     FROM schedules s, generate_series(1, 2) h`,
  );
  await db.query('', 'ANALYZE schedules');
  await db.query('', 'ANALYZE schedule_fires');
}, 120_000);
afterAll(() => stage.runtime.close());

interface Plan {
  'Node Type': string;
  'Index Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

/** Runs a repository's statement under EXPLAIN; answers its plan. */
async function planOf(run: (sql: Sql) => Promise<unknown>): Promise<{ nodes: string[]; pages: number }> {
  let plan: Plan | undefined;
  await run({
    query: async <Row extends object>(_name: string, text: string, values: readonly unknown[] = []) => {
      const explained = `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${text}`;
      const [row] = await stage.runtime.db.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>('', explained, values);
      plan = row?.['QUERY PLAN'][0].Plan;
      return [] as Row[];
    },
  });
  if (plan === undefined) throw new Error('nothing was explained');
  const flat = (node: Plan): Plan[] => [node, ...(node.Plans ?? []).flatMap(flat)];
  return {
    nodes: flat(plan).map((node) => `${node['Node Type']} ${node['Index Name'] ?? ''}`.trim()),
    pages: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
  };
}

it('finds what is overdue by the index, at a cost of what is overdue and not of what exists', async () => {
  const { nodes, pages } = await planOf((sql) => lockOverdueSchedules(sql, now, 200));
  expect(nodes).toContain('Index Scan schedules_active_next_run_idx');
  expect(nodes).not.toContain('Seq Scan');
  expect(pages).toBeLessThan(500);
});

it('finds what fires soon by the index, a page at a time', async () => {
  const until = new Date(now.getTime() + 60_000);
  const { nodes, pages } = await planOf((sql) => pageUpcoming(sql, { id: firstId, nextRun: now }, until, 2_000));
  expect(nodes.some((node) => node.endsWith('schedules_active_next_run_idx'))).toBe(true);
  expect(nodes).not.toContain('Seq Scan');
  expect(pages).toBeLessThan(5_000);
});

it('finds no owed and no waiting fires without reading the fired ones', async () => {
  for (const run of [
    (sql: Sql) => listOwedFires(sql, ['money'], now, 500),
    (sql: Sql) => pageQueuedFires(sql, firstId, 500),
  ]) {
    const { nodes, pages } = await planOf(run);
    expect(nodes.some((node) => node.endsWith('schedule_fires_status_fire_at_idx'))).toBe(true);
    expect(pages).toBeLessThan(100);
  }
});
