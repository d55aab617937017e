import { Agent, get, type IncomingMessage, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import { listen, type RunningServer } from './server.ts';

let server: RunningServer | undefined;
const agent = new Agent({ keepAlive: true });

afterEach(async () => {
  await server?.close(0);
  agent.destroy();
});

/** A server whose requests wait to be answered. */
async function waitingServer() {
  const waiting: Parameters<RequestListener>[1][] = [];
  const running = await listen((_req, res) => waiting.push(res), 0);
  server = running;
  return { running, waiting };
}

function ask(port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get({ port, agent }, resolve).on('error', reject));
}

test('requests under way are answered before it closes, and new ones are not accepted', async () => {
  const { running, waiting } = await waitingServer();
  const answer = ask(running.port);
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  const closed = running.close(30_000);
  await expect(ask(running.port)).rejects.toThrow('ECONNREFUSED');
  waiting[0]?.end('done');
  expect(await text(await answer)).toBe('done');
  expect(await closed).toBe(true);
});

test('what has not ended within the grace is cut off', async () => {
  const { running, waiting } = await waitingServer();
  const answer = ask(running.port);
  answer.catch(() => undefined);
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  expect(await running.close(0)).toBe(false);
  await expect(answer).rejects.toThrow();
});

test('an idle connection does not hold it up', async () => {
  const { running, waiting } = await waitingServer();
  const answer = ask(running.port);
  await vi.waitFor(() => expect(waiting).toHaveLength(1));
  waiting[0]?.end('done');
  await text(await answer);
  expect(await running.close(30_000)).toBe(true);
});

test('who does not read the answer is cut off', async () => {
  const closed: unknown[] = [];
  server = await listen(
    (_req, res) => {
      res.once('close', () => closed.push(res.writableFinished));
      // More than the buffers of both ends hold.
      res.end(Buffer.alloc(32 * 1_024 * 1_024));
    },
    0,
    { idleMs: 200 },
  );
  const socket = connect(server.port, '127.0.0.1');
  socket.on('error', () => {});
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await vi.waitFor(() => expect(closed).toEqual([false]));
  socket.destroy();
});

test('a port that is taken is an error', async () => {
  const { running } = await waitingServer();
  await expect(listen(() => undefined, running.port)).rejects.toThrow('EADDRINUSE');
});

test.each([
  ['what is no HTTP', 'HELLO\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['headers without end', `GET / HTTP/1.1\r\nHost: x\r\nA: ${'a'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
])('%s is answered and hung up on', async (_what, sent, answer) => {
  const { running } = await waitingServer();
  const socket = connect(running.port, '127.0.0.1');
  socket.write(sent);
  expect(await text(socket)).toMatch(answer);
});

test('a request that does not arrive in time is answered 408', async () => {
  server = await listen(() => undefined, 0, { headersMs: 50, requestMs: 50, checkEveryMs: 20 });
  const socket = connect(server.port, '127.0.0.1');
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345');
  const answer = await text(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 408 /);
  expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toMatchObject({ status: 408, code: 'request_timeout' });
});
