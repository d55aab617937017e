import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { queueNames } from '@queue-service/contracts';
import { type Database, insertDeadLetter, insertQueueMetrics, openDatabase } from '@queue-service/persistence';
import { useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runbooks } from './message.ts';
import { findTrouble, troubleLimits } from './trouble.ts';

const minute = 60_000;
const now = new Date();
const ago = (ms: number) => new Date(now.getTime() - ms);
let db: Database;
beforeAll(async () => {
  db = openDatabase({ url: (await useDatabase()).url });
});
afterAll(() => db.close());

const trouble = (leadsSince = ago(60 * minute)) => findTrouble(db, troubleLimits, leadsSince, now);
const keys = async (leadsSince?: Date) => (await trouble(leadsSince)).map(({ key }) => key);

const capture = (queue: string, capturedAt: Date, state: object = {}) => ({
  queue,
  resolution: 15,
  waiting: 0,
  active: 0,
  delayed: 0,
  completed: 0,
  failed: 0,
  enqueued: 0,
  paused: false,
  oldestWaitingMs: 0,
  capturedAt,
  ...state,
});
const clearCaptures = () => db.query('clear-captures', 'DELETE FROM queue_metrics');

it('is a queue that cannot be read, once somebody has led for long enough to have read it', async () => {
  expect(await keys(ago(minute))).toEqual([]);
  expect(await keys()).toEqual(queueNames.map((queue) => `no_progress:${queue}`));
  await insertQueueMetrics(
    db,
    queueNames.map((queue) => capture(queue, ago(20_000))),
  );
  expect(await keys()).toEqual([]);
});

it('is work that waits while none ends', async () => {
  const stuck = { waiting: 3, oldestWaitingMs: 3 * minute };
  const others = ['communication', 'background'].map((queue) => capture(queue, ago(10_000)));
  const cases = [
    { state: stuck, before: {}, expected: ['no_progress:money'] },
    { state: { ...stuck, paused: true }, before: {}, expected: [] },
    { state: stuck, before: { failed: 1 }, expected: [] },
    { state: { ...stuck, oldestWaitingMs: minute }, before: {}, expected: [] },
  ];
  for (const { state, before, expected } of cases) {
    await clearCaptures();
    await insertQueueMetrics(db, [
      capture('money', ago(minute), before),
      capture('money', ago(10_000), state),
      ...others,
    ]);
    expect(await keys()).toEqual(expected);
  }
});

it('is a dead letter of money at once, and of others many or an old one', async () => {
  await insertQueueMetrics(
    db,
    queueNames.map((queue) => capture(queue, ago(0))),
  );
  const die = (queue: string) =>
    insertDeadLetter(db, {
      jobId: randomUUID(),
      queue,
      type: queue === 'money' ? 'nft-mint' : 'send-email',
      tenantId: 't',
      reason: 'attempts',
      error: { code: 'timeout', message: 'no answer', retryable: true },
      attempts: 3,
      maxAttempts: 3,
      timeoutMs: 1_000,
      priority: 5,
      payload: {},
      payloadVersion: 1,
      flowId: null,
      flowStep: null,
      attemptLog: [],
    });
  await die('money');
  await die('communication');
  expect(await keys()).toEqual(['money_dead_letter:nft-mint:timeout']);
  for (let more = 1; more < troubleLimits.deadLetterCount; more += 1) await die('communication');
  expect((await trouble())[1]).toMatchObject({ key: 'dead_letters:communication', details: { count: 10 } });
  await db.query(
    'fewer',
    `DELETE FROM dead_letters WHERE queue = 'communication' AND id <> (SELECT id FROM dead_letters WHERE queue = 'communication' LIMIT 1)`,
  );
  expect(await keys()).toHaveLength(1);
  await db.query(
    'older',
    `UPDATE dead_letters SET created_at = now() - interval '25 hours' WHERE queue = 'communication'`,
  );
  expect((await keys())[1]).toBe('dead_letters:communication');
  await db.query('none', 'DELETE FROM dead_letters');
});

it('is a money job that Redis does not get, or a missed schedule', async () => {
  await db.query(
    'late-job',
    `INSERT INTO critical_jobs (id, queue, type, status, priority, max_attempts, timeout_ms, tenant_id, request_hash, payload,
       payload_version, run_at)
     VALUES (gen_random_uuid(), 'money', 'nft-mint', 'pending', 7, 10, 1000, 't', '', '{}', 1, now() - interval '2 minutes')`,
  );
  const [schedule] = await db.query<{ id: string }>(
    'schedule',
    `INSERT INTO schedules (id, tenant_id, name, queue, type, payload, payload_version, cron)
     VALUES (gen_random_uuid(), 't', 'nightly', 'background', 'cleanup-old-data', '{}', 1, '0 3 * * *') RETURNING id`,
  );
  await db.query(
    'fire',
    `INSERT INTO schedule_fires (schedule_id, fire_at, status) VALUES ($1, now() - interval '2 hours', 'missed')`,
    [schedule?.id],
  );
  expect(await keys()).toEqual(['relay_lag', 'schedule_missed']);
});

it('has a page in the runbooks for every kind', () => {
  const folder = join(import.meta.dirname, '../../../../docs/runbooks');
  for (const page of Object.values(runbooks)) expect(existsSync(join(folder, page)), page).toBe(true);
});
