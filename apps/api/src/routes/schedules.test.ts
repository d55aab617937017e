import { contractOf } from '@queue-service/contracts';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

type Who = Parameters<typeof bearer>[0];
const call = async (
  method: 'get' | 'post' | 'patch' | 'delete',
  path: string,
  who: Who = 'venueAdmin',
  body?: object,
) => {
  const asked = request(real.app)
    [method](`/api/v1/queue${path}`)
    .set('Authorization', await bearer(who));
  return body === undefined ? asked : asked.send(body);
};
let names = 0;
const input = (more: object = {}) => ({
  name: `nightly ${++names}`,
  type: 'analytics-track',
  data: contractOf('analytics-track').example.payload,
  cron: '0 3 * * *',
  ...more,
});
const create = async (more: object = {}) => (await call('post', '/schedules', 'venueAdmin', input(more))).body.schedule;

describe('schedules', () => {
  it('are created, found and listed, and the audit log says by whom', async () => {
    const answer = await call('post', '/schedules', 'venueAdmin', input());
    expect(answer.status).toBe(201);
    const { schedule } = answer.body;
    expect(schedule).toMatchObject({ queue: 'background', tenantId: 'venue-1', createdBy: 'venue-boss', version: 1 });
    expect((await call('get', answer.headers.location?.replace('/api/v1/queue', '') ?? '')).body.schedule).toEqual(
      schedule,
    );
    const listed = await call('get', '/schedules?queue=background&limit=1');
    expect(listed.body.schedules).toMatchObject([{ id: schedule.id }]);
    const log = await call('get', `/audit-log?resourceId=${schedule.id}`, 'admin');
    expect(log.body.entries).toMatchObject([
      { action: 'schedule.create', actor: 'venue-boss', tenantId: 'venue-1', before: null, after: { id: schedule.id } },
    ]);
  });

  it('are listed page by page', async () => {
    const made = [await create(), await create(), await create()];
    const first = await call('get', '/schedules?limit=2');
    const second = await call('get', `/schedules?limit=1&cursor=${first.body.nextCursor}`);
    const ids = [...first.body.schedules, ...second.body.schedules].map(({ id }: { id: string }) => id);
    expect(ids).toEqual(made.map(({ id }) => id).reverse());
    expect((await call('get', '/schedules?cursor=x')).body.code).toBe('invalid_cursor');
  });

  it('are refused with every bad field, or when the name is taken', async () => {
    const bad = await call('post', '/schedules', 'venueAdmin', input({ timezone: 'Nowhere', data: {} }));
    expect(bad.status).toBe(400);
    expect(bad.body.errors.length).toBeGreaterThan(1);
    const { name } = await create();
    expect((await call('post', '/schedules', 'venueAdmin', input({ name }))).body.code).toBe('conflict');
  });

  it('are changed on the version that was seen', async () => {
    const { id } = await create();
    const changed = await call('patch', `/schedules/${id}`, 'venueAdmin', { active: false, version: 1 });
    expect(changed.body.schedule).toMatchObject({ active: false, nextRun: null, version: 2 });
    expect((await call('patch', `/schedules/${id}`, 'venueAdmin', { active: true, version: 1 })).status).toBe(409);
    const log = await call('get', `/audit-log?resourceId=${id}&action=schedule.update`, 'admin');
    expect(log.body.entries).toMatchObject([{ before: { active: true }, after: { active: false } }]);
  });

  it('fire by hand and tell their next times', async () => {
    const { id } = await create({ active: false });
    const run = await call('post', `/schedules/${id}/run`);
    expect(run.status).toBe(202);
    expect(run.body).toMatchObject({
      fire: { status: 'fired' },
      job: { type: 'analytics-track', tenantId: 'venue-1' },
    });
    expect((await call('get', `/jobs/${run.body.job.id}`)).status).toBe(200);
    const fires = await call('get', `/schedules/${id}/fires`);
    expect(fires.body).toMatchObject({ fires: [{ status: 'fired', jobId: run.body.job.id }], nextCursor: null });
    const preview = await call('get', `/schedules/${id}/preview?count=2&from=2030-01-01T00:00:00Z`);
    expect(preview.body.fires.map(({ fireAt }: { fireAt: string }) => fireAt)).toEqual([
      '2030-01-01T03:00:00.000Z',
      '2030-01-02T03:00:00.000Z',
    ]);
  });

  it('are removed', async () => {
    const { id } = await create();
    expect((await call('delete', `/schedules/${id}`)).status).toBe(204);
    expect((await call('get', `/schedules/${id}`)).status).toBe(404);
    expect((await call('delete', `/schedules/${id}`)).status).toBe(404);
  });

  it('are not changed when who did it cannot be written', async () => {
    const { id } = await create();
    await real.runtime.db.query('', 'ALTER TABLE audit_log RENAME TO audit_log_away');
    try {
      const { name } = input();
      for (const [method, path, body] of [
        ['post', '/schedules', input({ name })],
        ['patch', `/schedules/${id}`, { active: false }],
        ['post', `/schedules/${id}/run`, {}],
        ['delete', `/schedules/${id}`, undefined],
      ] as const) {
        expect((await call(method, path, 'venueAdmin', body)).status).toBe(500);
      }
      expect((await call('get', `/schedules/${id}`)).body.schedule).toMatchObject({ active: true, lastRun: null });
      expect(await real.runtime.db.prisma.schedule.count({ where: { name } })).toBe(0);
    } finally {
      await real.runtime.db.query('', 'ALTER TABLE audit_log_away RENAME TO audit_log');
    }
  });

  it('of another tenant do not exist, and producers have no say', async () => {
    const made = await request(real.app)
      .post('/api/v1/queue/schedules')
      .set('Authorization', await bearer('admin'))
      .set('X-Tenant-Id', 'venue-2')
      .send(input());
    const path = `/schedules/${made.body.schedule.id}`;
    expect((await call('get', path, 'admin')).status).toBe(200);
    for (const [method, suffix] of [
      ['get', ''],
      ['get', '/preview'],
      ['get', '/fires'],
      ['post', '/run'],
      ['delete', ''],
    ] as const) {
      expect((await call(method, path + suffix)).status).toBe(404);
      expect((await call(method, path + suffix, 'service')).status).toBe(403);
    }
    expect((await call('patch', path, 'venueAdmin', { active: false })).status).toBe(404);
  });
});
