import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, test, vi } from 'vitest';
import { TEST_SECRET } from './testing/tokens.ts';

/** Nothing listens there. */
const away = { DATABASE_URL: 'postgres://app:pg-pw@127.0.0.1:1/queue', REDIS_URL: 'redis://127.0.0.1:1' };

let child: ChildProcess | undefined;

afterEach(() => {
  child?.kill('SIGKILL');
});

/** The API as a process of its own. */
function start(env: Record<string, string>) {
  const main = new URL('./main.ts', import.meta.url).pathname;
  const started = spawn(process.execPath, [main], { env: { PATH: process.env.PATH, ...env } });
  child = started;
  const output = { text: '' };
  for (const stream of [started.stdout, started.stderr]) {
    stream.on('data', (chunk) => {
      output.text += String(chunk);
    });
  }
  return { started, output, exited: once(started, 'exit') };
}

test('it refuses to start without a key for tokens, naming everything that is wrong and no value', async () => {
  const { exited, output } = start({ ...away, PORT: 'front-door' });
  expect((await exited)[0]).toBe(1);
  expect(output.text).toContain('JWT_SECRET, JWT_PUBLIC_KEY, JWT_JWKS_URL: at least one of these must be set');
  expect(output.text).toContain('PORT: must be a whole number');
  expect(output.text).not.toMatch(/pg-pw|front-door/);
});

test('it refuses a placeholder as secret, and does not repeat it', async () => {
  const { exited, output } = start({ ...away, JWT_SECRET: 'your-secret-key-change-in-production' });
  expect((await exited)[0]).toBe(1);
  expect(output.text).toContain('JWT_SECRET: is a known placeholder');
  expect(output.text).not.toContain('your-secret-key');
});

test('while PostgreSQL and Redis are away it lives, says what it waits for, is not ready, and ends on SIGTERM', async () => {
  const { started, exited, output } = start({ ...away, JWT_SECRET: TEST_SECRET, PORT: '0', SHUTDOWN_GRACE_MS: '5000' });
  const port = await vi.waitFor(
    () => {
      const listening = /"port":(\d+),"msg":"The API is listening"/.exec(output.text);
      expect(listening).not.toBeNull();
      return listening?.[1];
    },
    { timeout: 25_000 },
  );
  const base = `http://127.0.0.1:${port}`;
  expect((await fetch(`${base}/health/live`)).status).toBe(200);
  const ready = await fetch(`${base}/api/v1/queue/health/ready`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({
    checks: { database: { status: 'unhealthy' }, redis: { status: 'unhealthy' } },
  });
  await vi.waitFor(() => expect(output.text).toContain('Waiting for PostgreSQL'), { timeout: 10_000 });
  started.kill('SIGTERM');
  expect((await exited)[0]).toBe(0);
  expect(output.text).not.toContain(TEST_SECRET);
});
