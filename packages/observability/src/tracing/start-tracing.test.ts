import { execFile } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';

const module = new URL('./start-tracing.ts', import.meta.url).href;
const contextModule = new URL('./trace-context.ts', import.meta.url).href;

interface SentSpan {
  name: string;
  kind: number;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes: Array<{ key: string; value: { stringValue?: string } }>;
}

interface Sent {
  resourceSpans: Array<{
    resource: { attributes: Array<{ key: string; value: { stringValue?: string } }> };
    scopeSpans: Array<{ spans: SentSpan[] }>;
  }>;
}

let collector: Server;
let endpoint: string;
const received: Array<{ path: string | undefined; body: Sent }> = [];

beforeEach(async () => {
  received.length = 0;
  collector = createServer(async (request, response) => {
    received.push({ path: request.url, body: (await json(request)) as Sent });
    response.end('{}');
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
});

afterEach(() => {
  collector.closeAllConnections();
  collector.close();
});

/** Runs a program in a process of its own, because tracing patches the process it runs in. */
async function run(program: string) {
  const source = `import { startTracing } from ${JSON.stringify(module)};
    import { currentTraceId, injectTrace, withJobSpan } from ${JSON.stringify(contextModule)};
    ${program}`;
  const args = ['--input-type=module-typescript', '--eval', source];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args);
  expect(stderr).toBe('');
  return stdout;
}

const spans = () =>
  received.flatMap(({ body }) => body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((s) => s.spans)));

const serverAndClients = `
  import { createServer, request } from 'node:http';
  const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
  const ask = (url) => new Promise((resolve) => request(url, (answer) => answer.resume().on('end', resolve)).end());
  const provider = createServer((asked, answer) => answer.end(asked.headers.traceparent ?? 'none'));
  const providerPort = await listening(provider);
  const seen = {};
  const api = createServer(async (asked, answer) => {
    if (asked.url !== '/jobs') return answer.end();
    seen.traceId = currentTraceId();
    seen.fetched = await (await fetch('http://127.0.0.1:' + providerPort + '/fetched?To=%2B15005550001')).text();
    await ask('http://127.0.0.1:' + providerPort + '/requested?api-key=planted');
    answer.end();
  });
  const apiPort = await listening(api);
  await ask('http://127.0.0.1:' + apiPort + '/jobs');
  await ask('http://127.0.0.1:' + apiPort + '/health/live');
  await tracing.shutdown();
  for (const server of [api, provider]) server.closeAllConnections(), server.close();
  console.log(JSON.stringify({ ...seen, after: currentTraceId() ?? null }));`;

/** Makes the program's `loaded` the list of modules loaded from then on. */
const watchLoading = `
  import { registerHooks } from 'node:module';
  const loaded = [];
  registerHooks({ resolve: (specifier, context, next) => { loaded.push(specifier); return next(specifier, context); } });`;

test('without an endpoint nothing is traced and the SDK is not loaded', async () => {
  const output = await run(`${watchLoading}
    const tracing = await startTracing({ service: 'api' });
    const count = loaded.length;
    ${serverAndClients}
    console.log(JSON.stringify({ enabled: tracing.enabled, count }));`);
  const [seen, rest] = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(seen).toEqual({ fetched: 'none', after: null });
  expect(rest).toEqual({ enabled: false, count: 0 });
  expect(received).toEqual([]);
});

test('a request and the provider calls it leads to are one trace, sent to the collector on shutdown', async () => {
  const output = await run(`
    const tracing = await startTracing({ service: 'worker-money', endpoint: ${JSON.stringify(`${endpoint}/`)} });
    ${serverAndClients}`);
  const seen = JSON.parse(output);

  expect(new Set(received.map(({ path }) => path))).toEqual(new Set(['/v1/traces']));
  const resource = received[0]?.body.resourceSpans[0]?.resource.attributes;
  expect(resource).toContainEqual({ key: 'service.name', value: { stringValue: 'worker-money' } });

  const inTrace = spans().filter(({ traceId }) => traceId === seen.traceId);
  const server = inTrace.find(({ kind, parentSpanId }) => kind === 2 && !parentSpanId);
  const clients = inTrace.filter(({ kind }) => kind === 3);
  expect(clients).toHaveLength(2);
  expect(clients.map(({ parentSpanId }) => parentSpanId)).toEqual([server?.spanId, server?.spanId]);
  expect(seen.fetched).toMatch(new RegExp(`^00-${seen.traceId}-[0-9a-f]{16}-01$`));
  expect(seen.after).toBeNull();

  const everything = JSON.stringify(received);
  expect(everything).toContain('/fetched');
  expect(everything).toContain('/requested');
  expect(everything).not.toMatch(/planted|15005550001|\/health\/live/);
});

test('a collector that is away neither stops the process nor holds up its end', async () => {
  collector.close();
  const output = await run(`
    const tracing = await startTracing({ service: 'api', endpoint: ${JSON.stringify(endpoint)} });
    ${serverAndClients}
    process.exit();`);
  expect(JSON.parse(output).traceId).toMatch(/^[0-9a-f]{32}$/);
});

test('a job is one trace from the request that posted it to the provider that its worker asks', async () => {
  const output = await run(`
    import { createServer, request } from 'node:http';
    const tracing = await startTracing({ service: 'api', endpoint: ${JSON.stringify(endpoint)} });
    const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
    const ask = (url) => new Promise((resolve) => request(url, { method: 'POST' }, (answer) => answer.resume().on('end', resolve)).end());
    const provider = createServer((asked, answer) => answer.end(asked.headers.traceparent ?? 'none'));
    const providerUrl = 'http://127.0.0.1:' + (await listening(provider)) + '/v1/payment_intents';
    const stored = [];
    const api = createServer((asked, answer) => {
      stored.push({ traceId: currentTraceId(), ...injectTrace() });
      answer.end();
    });
    await ask('http://127.0.0.1:' + (await listening(api)) + '/jobs');
    const [{ traceId, traceparent }] = stored;
    const job = { id: 'j1', type: 'payment-process', queue: 'money', attempt: 1, traceparent };
    const answered = await withJobSpan(job, async () => (await fetch(providerUrl)).text());
    await withJobSpan(job, () => Promise.reject(new Error('ada@example.com'))).catch(() => {});
    await tracing.shutdown();
    for (const server of [api, provider]) server.closeAllConnections(), server.close();
    console.log(JSON.stringify({ traceId, answered }));`);
  const { traceId, answered } = JSON.parse(output) as { traceId: string; answered: string };
  const chain = spans().filter((span) => span.traceId === traceId);
  const posted = chain.find(({ kind }) => kind === 2);
  const [processed] = chain.filter(({ name }) => name === 'process payment-process');
  const called = chain.find(({ kind }) => kind === 3);
  expect([processed?.kind, processed?.parentSpanId]).toEqual([5, posted?.spanId]);
  expect(called?.parentSpanId).toBe(processed?.spanId);
  expect(answered).toContain(`-${called?.spanId}-`);
  expect(JSON.stringify(received)).not.toContain('ada@example.com');
});
