import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../logger/create-logger.ts';
import { createHealth } from './health.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const never = () => new Promise<never>(() => {});

test('all checks passing is healthy', async () => {
  const health = createHealth({
    checks: { database: async () => {}, redis: async () => 'role: master' },
    now: () => new Date('2026-08-01T10:00:00Z'),
  });
  expect(await health.report()).toEqual({
    status: 'healthy',
    checks: { database: { status: 'healthy' }, redis: { status: 'healthy', detail: 'role: master' } },
    timestamp: '2026-08-01T10:00:00.000Z',
  });
});

test('one check failing is unhealthy, and the report tells its code and not its message', async () => {
  const lines: string[] = [];
  const health = createHealth({
    checks: {
      database: async () => {},
      redis: async () => {
        throw Object.assign(new Error('connect to 10.0.0.7 as app'), { code: 'ECONNREFUSED' });
      },
      queues: async () => {
        throw new TypeError('user app');
      },
    },
    log: createLogger({ service: 'api', level: 'warn', destination: { write: (line) => lines.push(line) } }),
  });
  expect(await health.report()).toMatchObject({
    status: 'unhealthy',
    checks: {
      database: { status: 'healthy' },
      redis: { status: 'unhealthy', detail: 'ECONNREFUSED' },
      queues: { status: 'unhealthy', detail: 'TypeError' },
    },
  });
  expect(lines.join('')).toContain('connect to 10.0.0.7 as app');
});

test('a check that throws instead of rejecting is unhealthy, and asked again next time', async () => {
  let away = true;
  const health = createHealth({
    checks: {
      database: () => {
        if (away) throw new Error('x');
        return Promise.resolve();
      },
    },
  });
  expect((await health.report()).checks.database).toEqual({ status: 'unhealthy', detail: 'Error' });
  away = false;
  expect((await health.report()).status).toBe('healthy');
});

test('a hanging check ends at the time limit, is told so, and the others are still reported', async () => {
  let signal: AbortSignal | undefined;
  const health = createHealth({
    checks: {
      database: (given) => {
        signal = given;
        return never();
      },
      redis: async () => {},
    },
    timeoutMs: 1_000,
  });
  const report = health.report();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(await report).toMatchObject({
    status: 'unhealthy',
    checks: { database: { status: 'unhealthy', detail: 'no answer within 1000 ms' }, redis: { status: 'healthy' } },
  });
  expect(signal?.aborted).toBe(true);
});

test('a hanging check is not started again by the next probe, and is once it has ended', async () => {
  const finish: Array<() => void> = [];
  const check = vi.fn(() => new Promise<void>((resolve) => finish.push(resolve)));
  const health = createHealth({ checks: { database: check }, timeoutMs: 1_000 });
  const reports = [health.report(), health.report()];
  await vi.advanceTimersByTimeAsync(1_000);
  expect((await Promise.all(reports)).map(({ status }) => status)).toEqual(['unhealthy', 'unhealthy']);
  const third = health.report();
  expect(check).toHaveBeenCalledTimes(1);
  finish[0]?.();
  expect((await third).status).toBe('healthy');
  const fourth = health.report();
  expect(check).toHaveBeenCalledTimes(2);
  finish[1]?.();
  expect((await fourth).status).toBe('healthy');
});

test('the log hears of a failing check once, and of its recovery', async () => {
  const lines: string[] = [];
  let away = true;
  const health = createHealth({
    checks: {
      redis: async () => {
        if (away) throw new Error('away');
      },
    },
    log: createLogger({ service: 'api', level: 'info', destination: { write: (line) => lines.push(line) } }),
  });
  await health.report();
  await health.report();
  away = false;
  await health.report();
  await health.report();
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['A health check fails', 'A health check passes again']);
});

test('a draining process is unhealthy although its dependencies are well', async () => {
  const health = createHealth({ checks: { database: async () => {} } });
  health.startDraining();
  expect(await health.report()).toMatchObject({
    status: 'unhealthy',
    checks: { database: { status: 'healthy' }, process: { status: 'unhealthy', detail: 'is shutting down' } },
  });
});
