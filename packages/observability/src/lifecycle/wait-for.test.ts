import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../logger/create-logger.ts';
import { waitFor } from './wait-for.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function prepared() {
  const lines: string[] = [];
  const log = createLogger({ service: 'api', level: 'info', destination: { write: (line) => lines.push(line) } });
  return { log, messages: () => lines.map((line) => JSON.parse(line).msg), lines };
}

const refused = () => Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' }));

test('a dependency that is there is not talked about', async () => {
  const { log, lines } = prepared();
  await waitFor({ name: 'PostgreSQL', check: async () => {}, log, signal: new AbortController().signal });
  expect(lines).toEqual([]);
});

test('the pause doubles up to its limit', async () => {
  const { log } = prepared();
  const atMs: number[] = [];
  const startedMs = performance.now();
  const check = vi.fn(async () => {
    atMs.push(performance.now() - startedMs);
    if (atMs.length < 6) await refused();
  });
  const options = { initialDelayMs: 100, maxDelayMs: 400, signal: new AbortController().signal };
  const waiting = waitFor({ name: 'Redis', check, log, ...options });
  await vi.advanceTimersByTimeAsync(2_000);
  await waiting;
  expect(atMs).toEqual([0, 100, 300, 700, 1_100, 1_500]);
});

test('the log says what is waited for and why at once, then every ten seconds, and when it is there', async () => {
  const { log, messages, lines } = prepared();
  let away = true;
  const check = async () => {
    if (away) await refused();
  };
  const waiting = waitFor({ name: 'Redis', check, log, signal: new AbortController().signal, maxDelayMs: 1_000 });
  await vi.advanceTimersByTimeAsync(0);
  expect(messages()).toEqual(['Waiting for Redis']);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    level: 'warn',
    dependency: 'Redis',
    err: { code: 'ECONNREFUSED' },
  });
  await vi.advanceTimersByTimeAsync(25_000);
  expect(messages()).toEqual(['Waiting for Redis', 'Waiting for Redis', 'Waiting for Redis']);
  away = false;
  await vi.advanceTimersByTimeAsync(1_000);
  await waiting;
  expect(messages().at(-1)).toBe('Redis is there');
});

test('a check that hangs counts as away, and is told to stop', async () => {
  const { log, lines } = prepared();
  const signals: AbortSignal[] = [];
  const check = (signal: AbortSignal) => {
    signals.push(signal);
    return signals.length === 1 ? new Promise<never>(() => {}) : Promise.resolve();
  };
  const waiting = waitFor({
    name: 'PostgreSQL',
    check,
    log,
    signal: new AbortController().signal,
    checkTimeoutMs: 1_000,
    initialDelayMs: 100,
  });
  await vi.advanceTimersByTimeAsync(1_100);
  await waiting;
  expect(signals[0]?.aborted).toBe(true);
  expect(JSON.parse(lines[0] ?? '').err.message).toBe('No answer within 1000 ms');
});

test('an abort ends the waiting at once, with its reason', async () => {
  const { log } = prepared();
  const abort = new AbortController();
  const waiting = waitFor({ name: 'Redis', check: refused, log, signal: abort.signal });
  const rejected = expect(waiting).rejects.toThrow('Shutting down: SIGTERM');
  await vi.advanceTimersByTimeAsync(300);
  abort.abort(new Error('Shutting down: SIGTERM'));
  await rejected;
  expect(vi.getTimerCount()).toBe(0);
});
