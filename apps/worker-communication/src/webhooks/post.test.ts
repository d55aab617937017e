import { createAddressPolicy } from '@queue-service/outbound';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createGuardedAgent } from '../outbound/guarded-agent.ts';
import { deadUrl, scriptedServer } from '../testing/scripted-server.ts';
import { createPoster } from './post.ts';

const { signal } = new AbortController();

function poster(options: { allowed?: string[]; allowHttp?: boolean; timeoutMs?: number } = {}) {
  const dispatcher = createGuardedAgent({
    policy: createAddressPolicy(options.allowed ?? ['127.0.0.1']),
    connectTimeoutMs: 2_000,
  });
  onTestFinished(() => dispatcher.destroy());
  return createPoster({ dispatcher, allowHttp: options.allowHttp ?? true, timeoutMs: options.timeoutMs ?? 10_000 });
}

describe('a POST to a tenant', () => {
  test('carries the body and the headers', async () => {
    const server = await scriptedServer({ status: 204 });
    const answer = await poster()(
      `${server.url}/hook?a=b`,
      '{"type":"job.completed"}',
      { 'webhook-id': 'd-1' },
      signal,
    );
    expect(answer).toEqual({ kind: 'answered', statusCode: 204, abort: false });
    expect(server.received[0]).toMatchObject({
      method: 'POST',
      path: '/hook?a=b',
      body: '{"type":"job.completed"}',
      headers: { 'content-type': 'application/json', 'webhook-id': 'd-1' },
    });
  });

  test.each([
    ['plain http', 'http://hooks.example.com/', 'is not an https:// URL'],
    ['another scheme', 'ftp://hooks.example.com/', 'is not an https:// URL'],
    ['no URL', 'hooks.example.com', 'is not an https:// URL'],
    ['credentials in the URL', 'https://user:secret@hooks.example.com/', 'holds credentials'],
    ['a private address', 'https://10.0.0.1/', 'is not a public one'],
    ['the metadata service', 'https://169.254.169.254/latest/meta-data/', 'is not a public one'],
    ['loopback by name', 'https://localhost/', 'is not a public one'],
  ])('refuses %s', async (_what, url, reason) => {
    const answer = await poster({ allowed: [], allowHttp: false })(url, '{}', {}, signal);
    expect(answer).toEqual({ kind: 'refused', message: expect.stringContaining(reason) });
  });

  test('goes nowhere else on a redirect', async () => {
    const elsewhere = await scriptedServer({ status: 204 });
    const server = await scriptedServer({ status: 307, headers: { location: elsewhere.url } });
    expect(await poster()(server.url, '{}', {}, signal)).toMatchObject({ kind: 'answered', statusCode: 307 });
    expect(elsewhere.received).toEqual([]);
  });

  test('hears that the receiver wants no more tries', async () => {
    const server = await scriptedServer({ status: 400, headers: { 'webhook-delivery': 'Abort-Message' } });
    expect(await poster()(server.url, '{}', {}, signal)).toEqual({ kind: 'answered', statusCode: 400, abort: true });
  });

  test('an answer of any size is thrown away', async () => {
    const server = await scriptedServer({ status: 200, body: 'x'.repeat(5_000_000) });
    expect(await poster()(server.url, '{}', {}, signal)).toMatchObject({ kind: 'answered', statusCode: 200 });
  });

  test.each(['hang', 'reset'] as const)('a %s is no answer', async (fault) => {
    const server = await scriptedServer(fault);
    expect(await poster({ timeoutMs: 150 })(server.url, '{}', {}, signal)).toMatchObject({ kind: 'unanswered' });
  });

  test('nobody listening is no answer', async () => {
    expect(await poster()(await deadUrl(), '{}', {}, signal)).toEqual({
      kind: 'unanswered',
      message: 'The endpoint gave no answer (ECONNREFUSED)',
    });
  });
});
