import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createLogger, createMetrics } from '@queue-service/observability';
import { useDatabase } from '@queue-service/sandbox/testing';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { runAsLeader } from './leader.ts';

const log = createLogger({ service: 'test', level: 'silent' });
/** What is promised of a takeover. */
const takeoverMs = 15_000;
let databaseUrl: string;
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  databaseUrl = (await useDatabase()).url;
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A candidate in this process. */
function candidate(key: string, url = databaseUrl, onLead?: (signal: AbortSignal) => Promise<void>) {
  const stop = new AbortController();
  const history: string[] = [];
  const metrics = createMetrics({ service: 'test' });
  const wait = (signal: AbortSignal) =>
    new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  const done = runAsLeader({
    databaseUrl: url,
    key,
    log,
    metrics,
    signal: stop.signal,
    onLead: async (signal) => {
      history.push('leads');
      await (onLead ?? wait)(signal);
      history.push('stopped');
    },
  });
  const end = () => {
    stop.abort();
    return done;
  };
  cleanups.push(end);
  return { history, end, metrics };
}

/** A candidate in a process of its own. */
async function leadingProcess(key: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'testing', 'lead.ts'), databaseUrl, key], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  return child;
}

it('lets exactly one lead, and the next when that one ends', async () => {
  const candidates = [candidate('one'), candidate('one'), candidate('one')];
  const leading = () => candidates.filter(({ history }) => history.at(-1) === 'leads');
  await vi.waitFor(() => expect(leading()).toHaveLength(1), takeoverMs);
  const [first] = leading();
  expect(await first?.metrics.text()).toContain('queue_service_leader{role="one",app="test"} 1');
  await first?.end();
  expect(first?.history).toEqual(['leads', 'stopped']);
  await vi.waitFor(() => expect(leading()).toHaveLength(1), takeoverMs);
  expect(candidates.filter(({ history }) => history.includes('leads'))).toHaveLength(2);
});

it.each(['SIGKILL', 'SIGSTOP'] as const)('takes over from a leader that gets %s', async (signal) => {
  const leader = await leadingProcess(signal);
  const next = candidate(signal);
  leader.kill(signal);
  await vi.waitFor(() => expect(next.history).toEqual(['leads']), takeoverMs);
});

it('stops leading when it is cut off from PostgreSQL, before another leads', async () => {
  const wire = await severable(databaseUrl);
  const cutOff = candidate('cut', wire.url);
  await vi.waitFor(() => expect(cutOff.history).toEqual(['leads']), takeoverMs);
  const order: string[] = [];
  const next = candidate('cut', databaseUrl, async () => {
    order.push(...cutOff.history, 'next leads');
  });
  wire.sever();
  await vi.waitFor(() => expect(next.history).toContain('leads'), takeoverMs);
  expect(order.slice(0, 3)).toEqual(['leads', 'stopped', 'next leads']);
});

it('begins anew when the work fails', async () => {
  let tries = 0;
  candidate('fails', databaseUrl, async () => {
    tries += 1;
    throw new Error('the work failed');
  });
  await vi.waitFor(() => expect(tries).toBeGreaterThan(1), takeoverMs);
});

/** A way to PostgreSQL that can go silent without closing anything, as a cut cable does. */
async function severable(url: string): Promise<{ url: string; sever: () => void }> {
  const { hostname, port: upstreamPort } = new URL(url);
  const sockets: Socket[] = [];
  let severed = false;
  const server = createServer((client) => {
    const upstream = connect(Number(upstreamPort), hostname);
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on('error', () => {});
    if (severed) return;
    client.pipe(upstream, { end: false });
    upstream.pipe(client, { end: false });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const through = new URL(url);
  through.host = `127.0.0.1:${port}`;
  return {
    url: through.toString(),
    sever: () => {
      severed = true;
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
  };
}
