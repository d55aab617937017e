import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startAlerts } from './start.ts';

let sandbox: Awaited<ReturnType<typeof startAlerts>>;
beforeAll(async () => {
  sandbox = await startAlerts();
});
afterAll(() => sandbox.stop());
beforeEach(() => sandbox.reset());

async function post(path: string, body: unknown, init: RequestInit = {}) {
  const answer = await fetch(`${sandbox.url}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    redirect: 'manual',
    ...init,
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text };
}

describe('Slack', () => {
  const hook = '/services/T000/B000/secret';

  it('takes a message and says ok', async () => {
    expect(await post(hook, { text: 'Dead letters: 3' })).toMatchObject({ status: 200, text: 'ok' });
    await post(hook, { blocks: [{ type: 'section' }] });
    expect(sandbox.slack()).toMatchObject([{ text: 'Dead letters: 3', path: hook }, { text: '[{"type":"section"}]' }]);
  });

  it('refuses what is no message', async () => {
    expect(await post(hook, '{')).toMatchObject({ status: 400, text: 'invalid_payload' });
    expect(await post(hook, {})).toMatchObject({ status: 400, text: 'no_text' });
    sandbox.faults.add({ do: { kind: 'status', status: 429 } });
    const limited = await post(hook, { text: 'x' });
    expect([limited.status, limited.text, limited.headers.get('retry-after')]).toEqual([429, 'rate_limited', '1']);
    expect(sandbox.slack()).toEqual([]);
  });
});

describe('PagerDuty', () => {
  const key = 'a'.repeat(32);
  const event = (fields = {}) => ({
    routing_key: key,
    event_action: 'trigger',
    dedup_key: 'money-dead-letters',
    payload: { summary: 'Dead letters', source: 'scheduler', severity: 'critical' },
    ...fields,
  });
  const enqueue = (fields = {}) => post('/v2/enqueue', event(fields));

  it('groups triggers by dedup_key, resolves, and opens anew', async () => {
    const taken = await enqueue();
    expect([taken.status, JSON.parse(taken.text)]).toEqual([
      202,
      { status: 'success', message: 'Event processed', dedup_key: 'money-dead-letters' },
    ]);
    await enqueue();
    expect(sandbox.pagerDuty()).toMatchObject([
      { status: 'triggered', triggers: 2, severity: 'critical', resolvedAt: null },
    ]);
    await enqueue({ event_action: 'resolve', payload: undefined });
    expect(sandbox.pagerDuty()).toMatchObject([{ status: 'resolved', resolvedAt: expect.any(Number) }]);
    await enqueue();
    expect(sandbox.pagerDuty().map((alert) => alert.status)).toEqual(['resolved', 'triggered']);
    expect(sandbox.effects.counts()).toEqual({ pagerduty_trigger: 3, pagerduty_resolve: 1 });
  });

  it('gives a dedup_key where there is none', async () => {
    expect(JSON.parse((await enqueue({ dedup_key: undefined })).text).dedup_key).toMatch(/^[0-9a-f]{32}$/);
  });

  it.each([
    ['routing_key', { routing_key: 'short' }],
    ['event_action', { event_action: 'shout' }],
    ['dedup_key', { event_action: 'resolve', dedup_key: undefined }],
    ['payload.severity', { payload: { summary: 's', source: 's', severity: 'loud' } }],
    ['payload.summary', { payload: { source: 's', severity: 'info' } }],
    ['payload', { payload: undefined }],
  ])('names a bad %s', async (name, fields) => {
    const answer = await enqueue(fields);
    const body = JSON.parse(answer.text) as { status: string; errors: string[] };
    expect([answer.status, body.status]).toEqual([400, 'invalid event']);
    expect(body.errors.some((error) => error.includes(`'${name}'`))).toBe(true);
  });
});

describe('webhook sinks', () => {
  it('keep headers and the raw body', async () => {
    const body = '{"a": 1 , "ü": 2}';
    await post('/hooks/mine?x=1', body, { headers: { 'Webhook-Id': 'msg_1' } });
    const [hook] = sandbox.hooks('mine');
    expect(hook).toMatchObject({
      name: 'mine',
      method: 'POST',
      target: '/hooks/mine?x=1',
      body,
      headers: { 'webhook-id': 'msg_1' },
    });
    expect(Buffer.from(String(hook?.raw), 'base64').toString()).toBe(body);
    expect(sandbox.hooks('other')).toEqual([]);
  });

  it('answer what they are told, for each name', async () => {
    sandbox.answer('gone', { status: 410, body: 'no more' });
    sandbox.answer('moved', { status: 302, headers: { Location: 'http://169.254.169.254/' } });
    expect(await post('/hooks/gone', '')).toMatchObject({ status: 410, text: 'no more' });
    const moved = await post('/hooks/moved', '');
    expect([moved.status, moved.headers.get('location')]).toEqual([302, 'http://169.254.169.254/']);
    expect((await post('/hooks/other', '')).status).toBe(200);
  });

  it('can hang, with the request kept', async () => {
    sandbox.answer('slow', { hang: true });
    const impatient = new AbortController();
    const hanging = post('/hooks/slow', 'x', { signal: impatient.signal }).catch((error: Error) => error.name);
    await vi.waitFor(() => expect(sandbox.hooks('slow')).toHaveLength(1));
    impatient.abort();
    expect(await hanging).toBe('AbortError');
  });
});
