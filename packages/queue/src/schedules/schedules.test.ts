import { type CreateSchedule, contractOf } from '@queue-service/contracts';
import { createLogger, Secret } from '@queue-service/observability';
import { useDatabase, usePrefix } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { newId } from '../ids.ts';
import { openRuntime, type Runtime } from '../runtime.ts';
import { createSchedules, type Schedules } from './schedules.ts';

const log = createLogger({ service: 'test', level: 'silent' });
let runtime: Runtime;
let schedules: Schedules;
let clock = new Date('2030-05-05T12:00:00.123Z');
const owner = { tenantId: 't1', createdBy: 'ada' };
const page = { limit: 10, after: null };

beforeAll(async () => {
  const { url } = await useDatabase();
  const { prefix, url: redis } = usePrefix();
  runtime = openRuntime({
    config: {
      DATABASE_URL: new Secret(url),
      DATABASE_POOL_SIZE: 5,
      PAYLOAD_ENCRYPTION_KEYS: [{ id: 'k', key: Buffer.alloc(32, 7) }],
      REDIS_URL: new Secret(redis),
      QUEUE_PREFIX: prefix,
    },
    applicationName: 'test',
    log,
    now: () => clock,
  });
  await vi.waitFor(() => expect(runtime.connections.all[0]?.redis.status).toBe('ready'));
  schedules = createSchedules({ ...runtime, log });
});
afterAll(() => runtime.close());

const input = (more: Partial<CreateSchedule> = {}): CreateSchedule => ({
  name: newId(),
  type: 'payment-process',
  data: contractOf('payment-process').example.payload,
  cron: '0 * * * *',
  ...more,
});
async function create(more: Partial<CreateSchedule> = {}) {
  const saved = await schedules.create(input(more), owner);
  if (saved.outcome !== 'saved') throw new Error(JSON.stringify(saved));
  return saved.schedule;
}

describe('a schedule', () => {
  it('is created with its defaults and its first time', async () => {
    expect(await create()).toMatchObject({
      queue: 'money',
      active: true,
      overlap: 'skip',
      catchUp: 'last',
      timezone: 'UTC',
      version: 1,
      nextRun: '2030-05-05T13:00:00.000Z',
      lastRun: null,
      lastStatus: null,
      createdBy: 'ada',
    });
  });

  it('has a name of its own within its tenant', async () => {
    const { name } = await create();
    expect(await schedules.create(input({ name }), owner)).toEqual({ outcome: 'name_taken' });
    expect(await schedules.create(input({ name }), { ...owner, tenantId: 't2' })).toMatchObject({ outcome: 'saved' });
    const other = await create();
    expect(await schedules.patch(other.id, 't1', { name })).toEqual({ outcome: 'name_taken' });
  });

  it('is refused with every bad field', async () => {
    const saved = await schedules.create(input({ cron: '* *', timezone: 'Nowhere', data: {} }), owner);
    expect(saved.outcome === 'invalid' && saved.problems.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['timezone', 'data.orderId', 'data.amount']),
    );
  });

  it('belongs to its tenant', async () => {
    const { id } = await create();
    expect(await schedules.find(id, 't2')).toBeNull();
    expect(await schedules.find(id, null)).toMatchObject({ id });
    expect(await schedules.patch(id, 't2', { active: false })).toEqual({ outcome: 'not_found' });
    expect(await schedules.run(id, 't2')).toBeNull();
    expect(await schedules.preview(id, 't2', { count: 1 })).toBeNull();
    expect(await schedules.fires(id, 't2', page)).toBeNull();
    expect(await schedules.remove(id, 't2')).toBe(false);
  });

  it('keeps personal data sealed at rest and masked outside', async () => {
    const { id } = await create({ type: 'send-email', data: { to: 'ada@example.com', subject: 's', text: 't' } });
    expect(JSON.stringify(await schedules.find(id, 't1'))).not.toContain('ada@');
    const row = await runtime.db.prisma.schedule.findUniqueOrThrow({ where: { id } });
    expect(JSON.stringify(row.payload)).not.toContain('ada@');
  });

  it('is listed a page at a time, newest first', async () => {
    const owned = { tenantId: newId(), createdBy: null };
    for (const name of ['a', 'b', 'c']) {
      clock = new Date(clock.getTime() + 1_000);
      await schedules.create(input({ name }), owned);
    }
    const first = await schedules.list({}, owned.tenantId, { limit: 2, after: null });
    expect(first.items.map(({ name }) => name)).toEqual(['c', 'b']);
    const second = await schedules.list({}, owned.tenantId, { limit: 2, after: first.next });
    expect(second).toMatchObject({ items: [{ name: 'a' }], next: null });
  });

  it('is deleted with its fires', async () => {
    const { id } = await create();
    await schedules.run(id, 't1');
    expect(await schedules.remove(id, 't1')).toBe(true);
    expect(await schedules.find(id, 't1')).toBeNull();
  });
});

describe('a change', () => {
  it('has its payload upgraded when it is changed under a newer contract', async () => {
    const { id } = await create();
    const contract = contractOf('payment-process');
    const before = { version: contract.version, upgrades: contract.upgrades };
    Object.assign(contract, { version: 2, upgrades: { 1: (old: object) => ({ ...old, orderId: 'upgraded' }) } });
    const changed = await schedules.patch(id, 't1', { name: newId() });
    Object.assign(contract, before);
    expect(changed).toMatchObject({ outcome: 'saved', schedule: { data: { orderId: 'upgraded' } } });
    const row = await runtime.db.prisma.schedule.findUniqueOrThrow({ where: { id } });
    expect(row.payloadVersion).toBe(2);
  });

  it('is checked as a whole and leaves the rest as it was', async () => {
    const { id } = await create({ options: { priority: 9 } });
    expect(await schedules.patch(id, 't1', { everyMs: 60_000 })).toMatchObject({
      outcome: 'invalid',
      problems: [{ path: 'cron' }],
    });
    expect(await schedules.patch(id, 't1', { everyMs: 60_000, cron: null })).toMatchObject({
      outcome: 'saved',
      schedule: { everyMs: 60_000, cron: null, version: 2, options: { priority: 9 } },
    });
  });

  it('that is based on an older version is refused', async () => {
    const { id } = await create();
    expect(await schedules.patch(id, 't1', { jitterMs: 5, version: 1 })).toMatchObject({ schedule: { version: 2 } });
    expect(await schedules.patch(id, 't1', { jitterMs: 6, version: 1 })).toEqual({ outcome: 'stale', version: 2 });
  });

  it('pauses without missing what came due before, and resumes without catching up', async () => {
    const { id, nextRun } = await create({ cron: '*/10 * * * *' });
    const due = new Date(nextRun as string);
    clock = new Date(due.getTime() + 5_000);
    expect(await schedules.patch(id, 't1', { active: false })).toMatchObject({
      schedule: { active: false, nextRun: null },
    });
    expect((await schedules.fires(id, 't1', page))?.items).toMatchObject([{ fireAt: nextRun, status: 'fired' }]);
    clock = new Date(due.getTime() + 25 * 60_000);
    expect(await schedules.patch(id, 't1', { active: true })).toMatchObject({
      schedule: { nextRun: new Date(due.getTime() + 30 * 60_000).toISOString() },
    });
    expect((await schedules.fires(id, 't1', page))?.items).toHaveLength(1);
  });
});

describe('run now', () => {
  it('makes the job at once, also while paused and while another runs, and shows its outcome', async () => {
    const { id } = await create({ active: false });
    const first = await schedules.run(id, 't1');
    const second = await schedules.run(id, 't1');
    expect(first).toMatchObject({
      fire: { status: 'fired', reason: 'run by hand' },
      job: { type: 'payment-process', status: 'pending' },
    });
    expect(second?.job?.id).not.toBe(first?.job?.id);
    expect(second?.fire.fireAt).not.toBe(first?.fire.fireAt);
    expect(await schedules.find(id, 't1')).toMatchObject({
      lastRun: second?.fire.fireAt,
      lastJobId: second?.job?.id,
      lastStatus: 'pending',
      nextRun: null,
    });
    await runtime.db.prisma.criticalJob.update({
      where: { id: second?.job?.id ?? '' },
      data: { status: 'failed', finishedAt: new Date() },
    });
    expect(await schedules.find(id, 't1')).toMatchObject({ lastStatus: 'failed' });
    expect((await schedules.fires(id, 't1', page))?.items).toMatchObject([
      { jobStatus: 'failed' },
      { jobStatus: 'pending' },
    ]);
  });

  it('never takes the place of a regular fire', async () => {
    clock = new Date('2030-05-05T20:00:00.000Z');
    const { id } = await create();
    expect((await schedules.run(id, 't1'))?.fire.fireAt).toBe('2030-05-05T20:00:00.001Z');
  });
});

it('previews the next fires with their jitter, which is the same each time', async () => {
  const { id } = await create({ cron: '30 2 * * *', timezone: 'America/New_York', jitterMs: 60_000 });
  const from = new Date('2030-03-09T00:00:00Z');
  const preview = await schedules.preview(id, 't1', { count: 3, from });
  expect(preview?.fires.map(({ fireAt }) => fireAt)).toEqual([
    '2030-03-09T07:30:00.000Z',
    '2030-03-10T07:30:00.000Z', // the clocks jump over 02:30
    '2030-03-11T06:30:00.000Z',
  ]);
  for (const { fireAt, runAt } of preview?.fires ?? []) {
    const delay = Date.parse(runAt) - Date.parse(fireAt);
    expect(delay).toBeGreaterThanOrEqual(0);
    expect(delay).toBeLessThanOrEqual(60_000);
  }
  expect(await schedules.preview(id, 't1', { count: 3, from })).toEqual(preview);
});
