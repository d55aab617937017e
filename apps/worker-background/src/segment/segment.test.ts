import { startSegment } from '@queue-service/sandbox';
import { afterEach, expect, it, vi } from 'vitest';
import { openSegment, type Segment, type SegmentOptions } from './segment.ts';

type Sandbox = Awaited<ReturnType<typeof startSegment>>;
const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const part of opened.splice(0).reverse()) await part.close();
});

async function start(
  options: Partial<SegmentOptions> = {},
  writeKey = 'key',
): Promise<{ segment: Segment; sandbox: Sandbox; requests: () => number }> {
  const sandbox = await startSegment({ writeKey: 'key' });
  // Never used, it counts what passes.
  sandbox.faults.add({ after: Number.MAX_SAFE_INTEGER, do: { kind: 'reset' } });
  const segment = openSegment({ writeKey, host: sandbox.url, maxBatch: 10, flushIntervalMs: 20, ...options });
  opened.push({ close: () => sandbox.stop() }, { close: () => segment.close(1_000) });
  return { segment, sandbox, requests: () => sandbox.faults.list()[0]?.seen ?? 0 };
}
const live = new AbortController().signal;
const event = (messageId: string, more: object = {}) => ({
  userId: 'u',
  event: 'Ticket Purchased',
  messageId,
  ...more,
});
const fails = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: unknown) => error,
  );

it('resolves each event when its batch was accepted, and sends full batches', async () => {
  const { segment, sandbox, requests } = await start({ flushIntervalMs: 60_000 });
  await Promise.all(Array.from({ length: 20 }, (_, n) => segment.track(event(`m${n}`), live)));
  expect(
    sandbox
      .events()
      .map(({ messageId }) => messageId)
      .sort(),
  ).toEqual(Array.from({ length: 20 }, (_, n) => `m${n}`).sort());
  expect(requests()).toBe(2);
});

it('does not wait for more events than come', async () => {
  const { segment, sandbox } = await start();
  await segment.track(event('m', { timestamp: new Date('2027-01-02T03:04:05Z') }), live);
  expect(sandbox.events()).toMatchObject([{ messageId: 'm', type: 'track', timestamp: '2027-01-02T03:04:05.000Z' }]);
});

it('calls a wrong key a permanent failure', async () => {
  const { segment } = await start({}, 'another');
  expect(await fails(segment.track(event('m'), live))).toMatchObject({
    name: 'PermanentError',
    code: 'provider_authentication_failed',
  });
});

it('sends the events of a refused batch one by one, so that one bad event spoils no other', async () => {
  const { segment, sandbox } = await start();
  sandbox.faults.add({ match: { bodyIncludes: 'poison' }, times: 'always', do: { kind: 'status', status: 400 } });
  const ends = await Promise.all(['a', 'poison', 'b'].map((id) => fails(segment.track(event(id), live))));
  expect(ends).toMatchObject(['accepted', { name: 'PermanentError', code: 'invalid_request' }, 'accepted']);
  expect(
    sandbox
      .events()
      .map(({ messageId }) => messageId)
      .sort(),
  ).toEqual(['a', 'b']);
});

it('refuses an event that is too large for Segment, and only that', async () => {
  const { segment, sandbox } = await start();
  const ends = await Promise.all([
    fails(segment.track(event('big', { properties: { note: 'x'.repeat(40_000) } }), live)),
    fails(segment.track(event('small'), live)),
  ]);
  expect(ends).toMatchObject([{ name: 'PermanentError', code: 'invalid_request' }, 'accepted']);
  expect(sandbox.events()).toMatchObject([{ messageId: 'small' }]);
});

it('passes on for how long Segment asks for patience, and sends nothing until then', async () => {
  let now = 1_000;
  const { segment, sandbox, requests } = await start({ now: () => now });
  sandbox.faults.add({ do: { kind: 'status', status: 429, headers: { 'Retry-After': '7' } } });
  const patience = { name: 'RateLimitedError', code: 'provider_rate_limited' };
  expect(await fails(segment.track(event('m'), live))).toMatchObject({ ...patience, retryAfterMs: 7_000 });
  now += 5_000;
  expect(await fails(segment.track(event('m'), live))).toMatchObject({ ...patience, retryAfterMs: 2_000 });
  expect(requests()).toBe(1);
  now += 2_000;
  await segment.track(event('m'), live);
  expect(sandbox.events()).toHaveLength(1);
});

it.each([
  [{ kind: 'status', status: 503 } as const, 'UnknownOutcomeError', 'provider_error'],
  [{ kind: 'error-after-work', status: 500 } as const, 'UnknownOutcomeError', 'provider_error'],
  [{ kind: 'status', status: 302, headers: { Location: '/' } } as const, 'UnknownOutcomeError', 'provider_error'],
  [{ kind: 'hang' } as const, 'UnknownOutcomeError', 'provider_timeout'],
  [{ kind: 'reset-after-work' } as const, 'UnknownOutcomeError', 'provider_connection_lost'],
])('is tried again after %o, and counted once', async (fault, name, code) => {
  const { segment, sandbox } = await start({ requestTimeoutMs: 200 });
  sandbox.faults.add({ do: fault });
  expect(await fails(segment.track(event('m'), live))).toMatchObject({ name, code });
  await segment.track(event('m'), live);
  expect(sandbox.events()).toMatchObject([{ messageId: 'm' }]);
});

it('stops sending while Segment is down, and goes on when it is back', async () => {
  const states: string[] = [];
  const { segment, sandbox, requests } = await start({
    failures: 2,
    openMs: 300,
    onCircuit: (state) => states.push(state),
  });
  sandbox.faults.add({ times: 2, do: { kind: 'status', status: 503 } });
  for (const _ of [1, 2]) await fails(segment.track(event('m'), live));
  expect(await fails(segment.track(event('m'), live))).toMatchObject({
    name: 'RateLimitedError',
    code: 'provider_unavailable',
  });
  expect(requests()).toBe(2);
  await vi.waitFor(() => segment.track(event('m'), live), { timeout: 5_000 });
  expect(sandbox.events()).toHaveLength(1);
  expect(states.slice(0, 3)).toEqual(['open', 'halfOpen', 'closed']);
});

it('says so when nothing listens there', async () => {
  const { segment, sandbox } = await start();
  await sandbox.stop();
  expect(await fails(segment.track(event('m'), live))).toMatchObject({
    name: 'RetryableError',
    code: 'provider_unreachable',
  });
});

it('stops waiting at an abort', async () => {
  const { segment, sandbox } = await start();
  sandbox.faults.add({ do: { kind: 'hold', gate: 'g' } });
  const abort = new AbortController();
  const end = fails(segment.track(event('m'), abort.signal));
  abort.abort(new Error('shut down'));
  expect(await end).toMatchObject({ message: 'shut down' });
  sandbox.faults.release('g');
});

it('sends what was handed over before it closes', async () => {
  const { segment, sandbox } = await start({ flushIntervalMs: 60_000 });
  const end = fails(segment.track(event('m'), live));
  await segment.close(5_000);
  expect(await end).toBe('accepted');
  expect(sandbox.events()).toHaveLength(1);
});
