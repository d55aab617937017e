import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test } from 'vitest';

const index = new URL('../index.ts', import.meta.url).href;
const running: ChildProcess[] = [];

afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** A real process whose `start` has this body; an interval keeps it alive as connections would. */
function service(start: string, graceMs = 5_000) {
  const program = `
    import { createLogger, runService, waitFor } from ${JSON.stringify(index)};
    const log = createLogger({ service: 'worker-money', level: 'info' });
    await runService({ name: 'worker-money', log, graceMs: ${graceMs}, process, start: async (shutdown) => {
      const connection = setInterval(() => {}, 1_000);
      shutdown.register('connection', () => log.info('connection closed'));
      ${start}
    } });`;
  const args = ['--input-type=module-typescript', '--eval', program];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  running.push(child);
  const errors = text(child.stderr);
  const exit = once(child, 'close');
  const output: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => output.push(chunk));
  const messages = () =>
    output
      .join('')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).msg);
  const said = async (message: string) => {
    while (!output.join('').includes(message)) await once(child.stdout, 'data');
  };
  return { child, said, ended: async () => ({ code: (await exit)[0], errors: await errors, messages: messages() }) };
}

test('a service that is told to stop drains and exits with 0', async () => {
  const { child, said, ended } = service("shutdown.register('worker', () => log.info('drained'));");
  await said('worker-money is running');
  child.kill('SIGTERM');
  expect(await ended()).toEqual({
    code: 0,
    errors: '',
    messages: ['worker-money is running', 'Shutting down', 'drained', 'connection closed', 'Shut down'],
  });
});

test('a start that fails closes what was opened and exits with 1', async () => {
  const { ended } = service("throw new Error('port taken');");
  expect(await ended()).toEqual({
    code: 1,
    errors: '',
    messages: ['worker-money could not start', 'Shutting down', 'connection closed', 'Shut down'],
  });
});

test('a signal while the start still waits for a dependency ends the process with 0', async () => {
  const { child, said, ended } = service(`
    const check = async () => { throw new Error('away'); };
    await waitFor({ name: 'Redis', check, log, signal: shutdown.signal });`);
  await said('Waiting for Redis');
  child.kill('SIGTERM');
  expect(await ended()).toEqual({
    code: 0,
    errors: '',
    messages: ['Waiting for Redis', 'Shutting down', 'connection closed', 'Shut down'],
  });
});

test('a rejection nobody handles ends the process with 1, in order', async () => {
  const { ended } = service("setImmediate(() => { void Promise.reject(new Error('boom')); });");
  const { code, messages } = await ended();
  expect(code).toBe(1);
  expect(messages).toEqual(expect.arrayContaining(['An error was not caught', 'connection closed', 'Shut down']));
});

test('a closer that hangs makes the process end after its grace with 1, and is named', async () => {
  const { child, said, ended } = service("shutdown.register('worker', () => new Promise(() => {}));", 100);
  await said('worker-money is running');
  child.kill('SIGTERM');
  const { code, messages } = await ended();
  expect(code).toBe(1);
  expect(messages).toContain('Shut down without worker');
});
