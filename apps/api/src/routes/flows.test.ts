import { contracts, flowAnswerSchema } from '@queue-service/contracts';
import request from 'supertest';
import { beforeEach, describe, expect, test } from 'vitest';
import { type TestApp, testApp } from '../testing/test-app.ts';
import { bearer } from '../testing/tokens.ts';

const path = '/api/v1/queue/flows';
const purchase = {
  template: 'ticket-purchase',
  input: {
    payment: contracts['payment-process'].example.payload,
    ticket: contracts['nft-mint'].example.payload,
    buyer: { email: 'ada@example.com' },
  },
};
const step = (name: string, changes: object = {}) => ({
  name,
  type: 'analytics-track',
  data: { userId: 'u', event: 'seen' },
  ...changes,
});

let tested: TestApp;
let authorization: string;

beforeEach(async () => {
  tested = testApp();
  authorization = await bearer('service');
});

const post = (body: object, headers: Record<string, string> = {}) =>
  request(tested.app).post(path).set('Authorization', authorization).set(headers).send(body);
const get = (url: string) => request(tested.app).get(url).set('Authorization', authorization);

test('a posted flow is answered 202 with its steps and where it is', async () => {
  const { status, body, headers } = await post(purchase, { 'X-Request-Id': 'r-1' });
  expect(status).toBe(202);
  const { flow } = flowAnswerSchema.parse(body);
  expect(flow.steps.map(({ name }) => name)).toEqual(['payment', 'mint', 'confirmation']);
  expect(headers.location).toBe(`${path}/${flow.id}`);
  expect((await get(headers.location as string)).body).toEqual({ flow });
  expect(tested.ports.createdFlows[0]).toMatchObject({ tenantId: 'venue-1', requestId: 'r-1', webhookUrl: null });
});

test('the same key with the same body gives the first flow, with another body nothing', async () => {
  const headers = { 'Idempotency-Key': 'order-1' };
  const first = await post(purchase, headers);
  const again = await post(purchase, headers);
  expect([again.status, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
  expect(again.body).toEqual(first.body);
  const other = await post({ steps: [step('a')] }, headers);
  expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
  expect(tested.ports.createdFlows).toHaveLength(1);
});

test('the key is compared by what was posted, in whatever order', async () => {
  const headers = { 'Idempotency-Key': 'order-1', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
  await post(purchase, headers);
  const { template, input } = purchase;
  expect((await post({ input, template }, headers)).status).toBe(200);
  expect((await post({ ...purchase, name: 'another' }, headers)).status).toBe(422);
  expect((await post({ ...purchase, options: { webhookUrl: 'https://shop.example/hook' } }, headers)).status).toBe(422);
  expect(tested.ports.createdFlows).toMatchObject([{ traceparent: headers.traceparent }]);
});

test('a key in the body counts as one in the header', async () => {
  const flow = { ...purchase, options: { idempotencyKey: 'order-1', webhookUrl: 'https://shop.example/hook' } };
  await post(flow);
  expect((await post(flow, { 'Idempotency-Key': 'order-1' })).status).toBe(200);
  expect(tested.ports.createdFlows[0]).toMatchObject({
    idempotencyKey: 'order-1',
    webhookUrl: 'https://shop.example/hook',
  });
  expect((await post(flow, { 'Idempotency-Key': 'order-2' })).status).toBe(400);
});

describe('a flow is refused, all problems named and nothing stored,', () => {
  test.each([
    ['without steps', {}, 400, ['steps']],
    ['with steps and a template', { ...purchase, steps: [step('a')] }, 400, ['steps']],
    [
      'with bad names and unknown fields',
      { steps: [step('1'), step('b', { retry: 1 })] },
      400,
      ['steps.0.name', 'steps.1.retry'],
    ],
    ['with an unknown template', { template: 'heist', input: {} }, 422, ['template']],
    [
      'that waits on itself',
      { steps: [step('a', { dependsOn: ['b'] }), step('b', { dependsOn: ['a'] })] },
      422,
      ['steps'],
    ],
    ['with two steps of one name', { steps: [step('a'), step('a')] }, 422, ['steps.1.name']],
    [
      'with bad payloads',
      { steps: [step('a', { data: { event: 1 } }), step('b', { type: 'send-sms', data: { to: '0791234567' } })] },
      422,
      expect.arrayContaining(['steps.0.data.event', 'steps.1.data.to', 'steps.1.data.body']),
    ],
    [
      'with a reference to nothing',
      { steps: [step('a', { data: { userId: { $ref: 'steps.z.result.x' }, event: 'e' } })] },
      422,
      ['steps.0.data.userId'],
    ],
  ])('%s', async (_what, body, status, fields) => {
    const answer = await post(body);
    expect([answer.status, answer.body.code]).toEqual([status, status === 400 ? 'validation_failed' : 'invalid_flow']);
    expect(answer.body.errors.map((error: { path: string }) => error.path)).toEqual(fields);
    expect(tested.ports.createdFlows).toEqual([]);
  });
});

test('a flow of many steps is taken', async () => {
  const steps = Array.from({ length: 2_000 }, (_, index) => step(`s${index}`));
  expect((await post({ steps })).status).toBe(202);
});

describe('a tenant', () => {
  test('does not see the flows of another', async () => {
    const { headers } = await post(purchase);
    authorization = await bearer('otherTenant');
    expect((await get(headers.location as string)).status).toBe(404);
    expect((await get(path)).body).toEqual({ flows: [], nextCursor: null });
  });

  test('lists its own without their steps', async () => {
    const { body } = await post(purchase);
    const { steps: _steps, ...summary } = body.flow;
    expect((await get(`${path}?status=running`)).body).toEqual({ flows: [summary], nextCursor: null });
    expect((await get(`${path}?status=failed`)).body.flows).toEqual([]);
  });
});
