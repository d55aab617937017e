import { contractOf, type FlowResource } from '@queue-service/contracts';
import request from 'supertest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

let real: RealApp;
beforeAll(async () => {
  real = await realApp();
});
afterAll(() => real.close());

const call = async (method: 'get' | 'post' | 'delete', path: string, who: Parameters<typeof bearer>[0] = 'service') =>
  request(real.app)
    [method](`/api/v1/queue${path}`)
    .set('Authorization', await bearer(who));
const pay = (name: string, dependsOn: string[] = []) => ({
  name,
  dependsOn,
  type: 'payment-process',
  data: contractOf('payment-process').example.payload,
});
async function post(): Promise<FlowResource> {
  const answer = await request(real.app)
    .post('/api/v1/queue/flows')
    .set('Authorization', await bearer('service'))
    .send({ steps: [pay('first'), pay('second', ['first'])] });
  expect(answer.status).toBe(202);
  return answer.body.flow;
}
const audited = async (id: string) =>
  (await call('get', `/audit-log?resourceId=${id}`, 'admin')).body.entries.map(
    ({ action, before, after }: { action: string; before: object; after: object }) => ({ action, before, after }),
  );

it('cancels a flow of its tenant, once, and says by whom', async () => {
  const { id, steps } = await post();
  expect((await call('post', `/flows/${id}/cancel`, 'otherTenant')).status).toBe(404);
  for (const _ of ['first', 'again']) {
    const answer = await call('post', `/flows/${id}/cancel`);
    expect([answer.status, answer.body.flow.status]).toEqual([200, 'cancelled']);
    expect(answer.body.flow.steps).toMatchObject([{ status: 'cancelled' }, { status: 'skipped' }]);
  }
  expect((await call('get', `/jobs/${steps[0]?.jobId}`)).body.job.status).toBe('cancelled');
  expect(await audited(id)).toEqual([
    { action: 'flow.cancel', before: { status: 'running' }, after: { status: 'cancelled' } },
  ]);
  expect((await call('post', `/flows/${id}/retry`)).body).toMatchObject({ status: 409, code: 'conflict' });
});

it('retries a flow that failed, and no other', async () => {
  const { id, steps } = await post();
  expect((await call('post', `/flows/${id}/retry`)).status).toBe(409);
  await call('delete', `/jobs/${steps[0]?.jobId}`, 'venueAdmin');
  expect((await call('get', `/flows/${id}`)).body.flow).toMatchObject({
    status: 'failed',
    error: { code: 'cancelled' },
  });
  expect((await call('post', `/flows/${id}/cancel`)).status).toBe(409);
  expect((await call('post', `/flows/${id}/retry`, 'otherTenant')).status).toBe(404);
  const answer = await call('post', `/flows/${id}/retry`);
  expect(answer.status).toBe(202);
  expect(answer.body.flow).toMatchObject({
    status: 'running',
    error: null,
    finishedAt: null,
    steps: [{ status: 'pending', jobId: steps[0]?.jobId }, { status: 'waiting' }],
  });
  expect(await audited(id)).toEqual([
    { action: 'flow.retry', before: { status: 'failed' }, after: { status: 'running' } },
  ]);
});
