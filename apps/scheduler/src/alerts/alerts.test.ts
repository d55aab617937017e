import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { insertDeadLetter, type NewDeadLetter, resolveDeadLetter } from '@queue-service/persistence';
import { startAlerts as startInboxes } from '@queue-service/sandbox';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { Webhook } from 'standardwebhooks';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { readConfig } from '../config.ts';
import { log, openStage, type Stage } from '../testing/schedules.ts';
import { channelsOf } from './channels.ts';
import { startAlerts } from './index.ts';

const webhookSecret = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const { prefix, url: redisUrl } = usePrefix();
let databaseUrl: string;
let inboxes: Awaited<ReturnType<typeof startInboxes>>;
let stage: Stage;
/** How far the clock of the service is ahead, in milliseconds. */
let ahead = 0;
const until = (check: () => unknown) => vi.waitFor(check, 30_000);
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  databaseUrl = (await useDatabase()).url;
  inboxes = await startInboxes();
  stage = openStage({ databaseUrl, redisUrl, prefix, now: () => new Date(Date.now() + ahead) });
});
beforeEach(async () => {
  ahead = 0;
  inboxes.reset();
  for (const table of ['dead_letters', 'incidents'])
    await stage.runtime.db.query(`clear-${table}`, `DELETE FROM ${table}`);
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(async () => {
  await stage.runtime.close();
  await inboxes.stop();
});

const alertEnv = () => ({
  ALERT_SLACK_WEBHOOK_URL: `${inboxes.url}/services/T0/B0/secret`,
  ALERT_PAGERDUTY_URL: `${inboxes.url}/v2/enqueue`,
  ALERT_PAGERDUTY_ROUTING_KEY: 'k'.repeat(32),
  ALERT_WEBHOOK_URL: `${inboxes.url}/hooks/alerts`,
  ALERT_WEBHOOK_SECRET: webhookSecret,
});

/** A leader's alerts, in this process. */
function lead(): void {
  const { runtime, metrics } = stage;
  const controller = new AbortController();
  const config = readConfig({ DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, ...alertEnv() });
  const done = startAlerts({
    runtime,
    log,
    metrics,
    channels: channelsOf(config, runtime.now),
    signal: controller.signal,
    timing: { watchEveryMs: 50, tellEveryMs: 20, gatherMs: 0, settleMs: 100 },
  });
  stops.push(() => {
    controller.abort();
    return done;
  });
}

async function die(type = 'payment-process'): Promise<void> {
  const letter: NewDeadLetter = {
    jobId: randomUUID(),
    queue: 'money',
    type,
    tenantId: 't',
    reason: 'permanent',
    error: { code: 'card_declined', message: 'The card of ada@example.com was declined', retryable: false },
    attempts: 1,
    maxAttempts: 10,
    timeoutMs: 1_000,
    priority: 7,
    payload: { email: 'ada@example.com' },
    payloadVersion: 1,
    flowId: null,
    flowStep: null,
    attemptLog: [],
  };
  await insertDeadLetter(stage.runtime.db, letter);
}

async function discardAll(): Promise<void> {
  const { db } = stage.runtime;
  for (const { id } of await db.query<{ id: string }>('open-letters', 'SELECT id FROM dead_letters')) {
    await resolveDeadLetter(db, id, { status: 'discarded', by: 'test', reason: null });
  }
}

const hookTypes = () => inboxes.hooks('alerts').map(({ body }) => (JSON.parse(body) as { type: string }).type);

it('tells every channel once of jobs that died alike, and once when all are dealt with', async () => {
  await die();
  await die();
  await die('nft-mint');
  lead();
  await until(() => expect([inboxes.pagerDuty().length, hookTypes().length]).toEqual([2, 2]));
  // One more of the same is in the same incident.
  await die();
  await until(async () => {
    const rows = await stage.runtime.db.query<{ count: number }>(
      'largest',
      `SELECT max((details->>'count')::int) AS count FROM incidents`,
    );
    expect(rows).toEqual([{ count: 3 }]);
  });
  await discardAll();
  await until(() => {
    expect(inboxes.pagerDuty().map(({ status, triggers }) => [status, triggers])).toEqual([
      ['resolved', 1],
      ['resolved', 1],
    ]);
    expect(hookTypes().toSorted()).toEqual([
      ...Array(2).fill('incident.opened'),
      ...Array(2).fill('incident.resolved'),
    ]);
  });
  await until(() =>
    expect(
      inboxes
        .slack()
        .map(({ text }) => text)
        .join('\n')
        .match(/^OVER/gm),
    ).toHaveLength(2),
  );
  const lines = inboxes.slack().flatMap(({ text }) => text.split('\n'));
  expect(lines.toSorted()).toEqual([
    expect.stringMatching(/^CRITICAL: .*nft-mint died with card_declined/),
    expect.stringMatching(/^CRITICAL: .*payment-process died with card_declined/),
    expect.stringMatching(/^OVER/),
    expect.stringMatching(/^OVER/),
  ]);
  for (const { body, headers } of inboxes.hooks('alerts')) new Webhook(webhookSecret).verify(body, headers);
  expect(JSON.stringify(inboxes.snapshot())).not.toContain('ada@example');
});

it('tries a channel that is down again, less and less often, while the others are told', async () => {
  inboxes.faults.add({ match: { path: '/v2/enqueue' }, times: 2, do: { kind: 'status', status: 503 } });
  await die();
  lead();
  await until(() => expect([inboxes.slack().length, hookTypes().length]).toEqual([1, 1]));
  const notice = async () => {
    const [row] = await stage.runtime.db.query<{ attempts: number; told: Date | null }>(
      'pagerduty-notice',
      `SELECT attempts, told_at AS told FROM alert_notices WHERE channel = 'pagerduty'`,
    );
    return row;
  };
  await until(async () => expect(await notice()).toMatchObject({ told: null }));
  ahead += 5_000;
  await until(async () => expect(await notice()).toMatchObject({ attempts: 2, told: null }));
  expect(inboxes.pagerDuty()).toEqual([]);
  ahead += 10_000;
  await until(() => expect(inboxes.pagerDuty()).toMatchObject([{ status: 'triggered', triggers: 1 }]));
  await until(async () => expect(await notice()).toMatchObject({ attempts: 0, told: expect.any(Date) }));
  expect([inboxes.slack().length, hookTypes().length]).toEqual([1, 1]);
});

it('goes on where a leader was killed in the middle of telling: nothing is lost, and a repeat can be known', async () => {
  inboxes.answer('alerts', { hang: true });
  await die();
  const leader = spawn(
    process.execPath,
    [join(import.meta.dirname, '../testing/alert.ts'), databaseUrl, redisUrl, prefix, JSON.stringify(alertEnv())],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  stops.push(() => leader.kill('SIGKILL'));
  const toldBy = async () =>
    (
      await stage.runtime.db.query<{ channel: string }>(
        'told-channels',
        'SELECT channel FROM alert_notices WHERE told_at IS NOT NULL ORDER BY channel',
      )
    ).map(({ channel }) => channel);
  await until(async () => expect(await toldBy()).toEqual(['pagerduty', 'slack']));
  await until(() => expect(inboxes.hooks('alerts')).toHaveLength(1));
  leader.kill('SIGKILL');
  inboxes.answer('alerts', {});
  ahead = 120_000;
  lead();
  await until(async () => expect(await toldBy()).toEqual(['pagerduty', 'slack', 'webhook']));
  expect(inboxes.slack()).toHaveLength(1);
  expect(inboxes.pagerDuty()).toMatchObject([{ triggers: 1 }]);
  const ids = inboxes.hooks('alerts').map(({ headers }) => headers['webhook-id']);
  expect([ids.length, new Set(ids).size]).toEqual([2, 1]);
});
