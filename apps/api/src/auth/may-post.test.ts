import { contractOf } from '@queue-service/contracts';
import request from 'supertest';
import { expect, it } from 'vitest';
import { testApp } from '../testing/test-app.ts';
import { bearer } from '../testing/tokens.ts';

const { app, ports } = testApp();
const delivery = {
  queue: 'communication',
  type: 'deliver-webhook',
  data: contractOf('deliver-webhook').example.payload,
};
const cleanup = (target: string) => ({
  queue: 'background',
  type: 'cleanup-old-data',
  data: { target, olderThanDays: 30, dryRun: true },
});
const post = async (path: string, who: Parameters<typeof bearer>[0], body: object, headers: object = {}) =>
  request(app)
    .post(`/api/v1/queue${path}`)
    .set({ Authorization: await bearer(who), ...headers })
    .send(body);

it('refuses what the service makes itself, alone, in a batch and in a flow', async () => {
  const alone = await post('/jobs', 'admin', delivery);
  expect(alone.status).toBe(403);
  expect(alone.body).toMatchObject({ code: 'forbidden', errors: [{ path: 'type' }] });
  const batch = await post('/jobs/batch', 'admin', { jobs: [cleanup('jobs'), delivery] });
  expect(batch.body).toMatchObject({ code: 'forbidden', errors: [{ path: 'jobs.1.type' }] });
  const steps = [{ name: 'tell', ...delivery, compensation: delivery }];
  const flow = await post('/flows', 'admin', { name: 'f', steps });
  expect(flow.body.errors).toMatchObject([{ path: 'steps.0.type' }, { path: 'steps.0.compensation.type' }]);
  expect([...ports.accepted, ...ports.createdFlows]).toEqual([]);
});

it('lets a tenant clean its own rows, and only the platform what belongs to nobody or to the audit', async () => {
  expect((await post('/jobs', 'service', cleanup('jobs'))).status).toBe(202);
  for (const target of ['audit_log', 'provider_events', 'queue_metrics', 'redis_finished']) {
    expect((await post('/jobs', 'service', cleanup(target))).status).toBe(403);
    expect((await post('/jobs', 'admin', cleanup(target), { 'X-Tenant-Id': 'venue-1' })).status).toBe(403);
    expect((await post('/jobs', 'admin', cleanup(target))).status).toBe(202);
  }
});
