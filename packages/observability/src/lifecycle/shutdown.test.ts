import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createLogger } from '../logger/create-logger.ts';
import { createShutdown } from './shutdown.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

class FakeProcess extends EventEmitter {
  readonly exit = vi.fn<(code: number) => void>();
}

function prepared(options: { graceMs?: number; beforeExit?: () => Promise<void> } = {}) {
  const lines: string[] = [];
  const log = createLogger({
    service: 'worker-money',
    level: 'info',
    destination: { write: (line) => lines.push(line) },
  });
  const process = new FakeProcess();
  const shutdown = createShutdown({ graceMs: 10_000, ...options, log, process });
  const unlisten = shutdown.listen();
  const records = () => lines.map((line) => JSON.parse(line));
  return {
    shutdown,
    process,
    unlisten,
    records,
    exited: () => vi.waitFor(() => expect(process.exit).toHaveBeenCalled()),
  };
}

const hang = () => new Promise<never>(() => {});

test.each(['SIGTERM', 'SIGINT'])(
  '%s closes in reverse order, one after the other, and exits with 0',
  async (signal) => {
    const { shutdown, process, exited } = prepared();
    const order: string[] = [];
    for (const name of ['database', 'redis', 'worker']) {
      shutdown.register(name, async () => {
        order.push(`${name} closing`);
        await Promise.resolve();
        order.push(`${name} closed`);
      });
    }
    process.emit(signal, signal);
    await exited();
    expect(order).toEqual([
      'worker closing',
      'worker closed',
      'redis closing',
      'redis closed',
      'database closing',
      'database closed',
    ]);
    expect(process.exit).toHaveBeenCalledExactlyOnceWith(0);
  },
);

test('the signal aborts before anything is closed', async () => {
  const { shutdown, process, exited } = prepared();
  let abortedBefore = false;
  shutdown.register('loop', () => {
    abortedBefore = shutdown.signal.aborted;
  });
  expect(shutdown.signal.aborted).toBe(false);
  process.emit('SIGTERM');
  await exited();
  expect(abortedBefore).toBe(true);
});

test('a second signal is logged and neither hurries nor repeats anything', async () => {
  const { shutdown, process, records, exited } = prepared();
  let drained = () => {};
  const close = vi.fn(() => new Promise<void>((resolve) => (drained = resolve)));
  shutdown.register('worker', close);
  process.emit('SIGTERM');
  process.emit('SIGINT');
  process.emit('SIGTERM');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(process.exit).not.toHaveBeenCalled();
  expect(records().filter(({ msg }) => msg.startsWith('Already shutting down'))).toHaveLength(2);
  drained();
  await exited();
  expect(close).toHaveBeenCalledOnce();
  expect(process.exit).toHaveBeenCalledExactlyOnceWith(0);
});

describe('when something does not close', () => {
  test('the grace ends, the log says what hung, the rest is closed, and the exit code is 1', async () => {
    const { shutdown, process, records, exited } = prepared({ graceMs: 10_000 });
    const closeDatabase = vi.fn();
    shutdown.register('database', closeDatabase);
    shutdown.register('worker', hang);
    process.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(9_999);
    expect(process.exit).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(1);
    await exited();
    expect(closeDatabase).toHaveBeenCalledOnce();
    expect(process.exit).toHaveBeenCalledExactlyOnceWith(1);
    expect(records()).toContainEqual(expect.objectContaining({ level: 'error', closer: 'worker', limitMs: 10_000 }));
    expect(records()).toContainEqual(
      expect.objectContaining({ unfinished: ['worker'], msg: 'Shut down without worker' }),
    );
  });

  test('several that hang end together soon after the grace', async () => {
    const { shutdown, process, records, exited } = prepared({ graceMs: 10_000 });
    for (const name of ['database', 'redis', 'worker']) shutdown.register(name, hang);
    process.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(11_000);
    await exited();
    expect(records()).toContainEqual(expect.objectContaining({ unfinished: ['worker', 'redis', 'database'] }));
  });

  test('a closer has its own shorter limit', async () => {
    const { shutdown, process, exited } = prepared({ graceMs: 10_000 });
    shutdown.register('tracing', hang, { timeoutMs: 2_000 });
    process.emit('SIGTERM');
    await vi.advanceTimersByTimeAsync(2_000);
    await exited();
    expect(process.exit).toHaveBeenCalledExactlyOnceWith(1);
  });

  test.each([
    ['rejects', () => Promise.reject(new Error('connection gone'))],
    [
      'throws',
      () => {
        throw new Error('connection gone');
      },
    ],
  ])('one that %s is logged and keeps none from closing', async (_how, close) => {
    const { shutdown, process, records, exited } = prepared();
    const closeDatabase = vi.fn();
    shutdown.register('database', closeDatabase);
    shutdown.register('redis', close);
    process.emit('SIGTERM');
    await exited();
    expect(closeDatabase).toHaveBeenCalledOnce();
    expect(process.exit).toHaveBeenCalledExactlyOnceWith(1);
    expect(records()).toContainEqual(
      expect.objectContaining({ closer: 'redis', err: expect.objectContaining({ message: 'connection gone' }) }),
    );
  });
});

describe('an error nobody caught', () => {
  test.each(['uncaughtException', 'unhandledRejection'])('(%s) is fatal, drains and exits with 1', async (event) => {
    const { shutdown, process, records, exited } = prepared();
    const close = vi.fn();
    shutdown.register('worker', close);
    process.emit(event, new Error('boom'));
    await exited();
    expect(close).toHaveBeenCalledOnce();
    expect(process.exit).toHaveBeenCalledExactlyOnceWith(1);
    expect(records()[0]).toMatchObject({ level: 'fatal', event, err: { message: 'boom' } });
  });

  test('during the shutdown makes its exit code 1', async () => {
    const { shutdown, process, exited } = prepared();
    shutdown.register('worker', () => process.emit('uncaughtException', new Error('boom')));
    process.emit('SIGTERM');
    await exited();
    expect(process.exit).toHaveBeenCalledExactlyOnceWith(1);
  });
});

test('what is registered after the shutdown began is closed at once', async () => {
  const { shutdown, process, exited } = prepared();
  const closeLate = vi.fn();
  shutdown.register('slow', () => shutdown.register('late', closeLate));
  process.emit('SIGTERM');
  await exited();
  expect(closeLate).toHaveBeenCalledOnce();
});

test('last words come after the last closer and before the exit, and cannot keep the process', async () => {
  const order: string[] = [];
  const beforeExit = () => {
    order.push('flush');
    return hang();
  };
  const { shutdown, process } = prepared({ beforeExit });
  process.exit.mockImplementation(() => order.push('exit'));
  shutdown.register('database', () => order.push('closed'));
  process.emit('SIGTERM');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(order).toEqual(['closed', 'flush', 'exit']);
});

test('a process that is not listened to any more has no listeners left', () => {
  const { process, unlisten } = prepared();
  expect(process.eventNames()).toHaveLength(4);
  unlisten();
  expect(process.eventNames()).toEqual([]);
});
