import { Analytics } from '@segment/analytics-node';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startSegment } from './start.ts';

let sandbox: Awaited<ReturnType<typeof startSegment>>;
beforeAll(async () => {
  sandbox = await startSegment({ writeKey: 'wk' });
});
afterAll(() => sandbox.stop());
beforeEach(() => sandbox.reset());

const analytics = (writeKey = 'wk') => new Analytics({ writeKey, host: sandbox.url, flushAt: 50, maxRetries: 2 });
const DAY_MS = 24 * 60 * 60 * 1000;

describe('events', () => {
  it('arrive in a batch when the SDK is closed', async () => {
    const client = analytics();
    client.track({ userId: 'u1', event: 'Ticket bought', properties: { price: 50 }, messageId: 'job-1' });
    client.track({ anonymousId: 'a1', event: 'Seen', messageId: 'job-2' });
    await client.flush({ close: true });
    expect(sandbox.events()).toMatchObject([
      { type: 'track', event: 'Ticket bought', userId: 'u1', properties: { price: 50 }, messageId: 'job-1' },
      { type: 'track', event: 'Seen', anonymousId: 'a1' },
    ]);
    expect(sandbox.effects.count({ jobId: 'job-1' })).toBe(1);
  });

  it('with a message id that came within a day are dropped', async () => {
    const send = async () => {
      const client = analytics();
      client.track({ userId: 'u1', event: 'Ticket bought', messageId: 'job-1' });
      await client.flush({ close: true });
    };
    await send();
    await send();
    expect([sandbox.events().length, sandbox.duplicates]).toEqual([1, 1]);
    sandbox.clock.advance(DAY_MS);
    await send();
    expect(sandbox.events()).toHaveLength(2);
  });

  it('are sent again after an error, and taken once', async () => {
    sandbox.faults.add({ do: { kind: 'error-after-work', status: 500 } });
    const client = analytics();
    client.track({ userId: 'u1', event: 'Ticket bought', messageId: 'job-1' });
    await client.flush({ close: true });
    expect([sandbox.events().length, sandbox.duplicates]).toEqual([1, 1]);
  });
});

describe('bad batches', () => {
  const post = (body: string, key = 'wk') =>
    fetch(`${sandbox.url}/v1/batch`, { method: 'POST', body, headers: { Authorization: `Basic ${btoa(`${key}:`)}` } });
  const batch = (...events: object[]) => JSON.stringify({ batch: events });

  it.each([
    ['no JSON', '{'],
    ['no batch', '{}'],
    ['no messageId', batch({ type: 'track', userId: 'u', event: 'e' })],
    ['no user', batch({ type: 'track', messageId: 'm', event: 'e' })],
    ['no event name', batch({ type: 'track', messageId: 'm', userId: 'u' })],
    ['an event above 32 KB', batch({ type: 'track', messageId: 'm', userId: 'u', event: 'e'.repeat(33_000) })],
  ])('with %s are a 400', async (_what, body) => {
    expect((await post(body)).status).toBe(400);
    expect(sandbox.events()).toEqual([]);
  });

  it('above 500 KB are a 413, with a wrong key a 401', async () => {
    expect((await post('x'.repeat(501 * 1024))).status).toBe(413);
    expect((await post(batch(), 'other')).status).toBe(401);
  });
});
