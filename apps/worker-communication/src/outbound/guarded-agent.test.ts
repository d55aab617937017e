import type { LookupFunction } from 'node:net';
import { createAddressPolicy } from '@queue-service/outbound';
import { request } from 'undici';
import { describe, expect, onTestFinished, test } from 'vitest';
import { scriptedServer } from '../testing/scripted-server.ts';
import { createGuardedAgent } from './guarded-agent.ts';
import { causes } from './transport-error.ts';

function agent(allowed: string[], lookup?: LookupFunction) {
  const made = createGuardedAgent({
    policy: createAddressPolicy(allowed),
    connectTimeoutMs: 2_000,
    ...(lookup && { lookup }),
  });
  onTestFinished(() => made.close());
  return made;
}

/** DNS that answers each question with the next of these. */
function resolving(...answers: string[][]): LookupFunction {
  return (_name, _options, callback) => {
    const addresses = (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
}

const refusedBy = async (call: Promise<unknown>) =>
  call.then(
    () => 'not refused',
    (error: unknown) => [...causes(error)].map((cause) => (cause as Error).name).join(),
  );

describe('the guarded agent', () => {
  test('connects to an allowed address', async () => {
    const server = await scriptedServer({ status: 204 });
    const { statusCode } = await request(server.url, { dispatcher: agent(['127.0.0.1']) });
    expect(statusCode).toBe(204);
  });

  test.each(['127.0.0.1', 'localhost', '0x7f.1', '[::1]', '[::ffff:127.0.0.1]'])(
    'refuses to connect to %s',
    async (host) => {
      const server = await scriptedServer({ status: 204 });
      const url = server.url.replace('127.0.0.1', host);
      expect(await refusedBy(request(url, { dispatcher: agent([]) }))).toContain('AddressRefusedError');
      expect(server.received).toEqual([]);
    },
  );

  test('refuses a name that resolves to a private address', async () => {
    const dispatcher = agent([], resolving(['10.0.0.1']));
    expect(await refusedBy(request('http://hooks.example.com/', { dispatcher }))).toContain('AddressRefusedError');
  });

  test('refuses a name of which one address is private', async () => {
    const dispatcher = agent([], resolving(['8.8.8.8', '169.254.169.254']));
    expect(await refusedBy(request('http://hooks.example.com/', { dispatcher }))).toContain('AddressRefusedError');
  });

  test('connects to the very address it has checked: a second answer of DNS gains nothing', async () => {
    const server = await scriptedServer({ status: 204, headers: { connection: 'close' } });
    const dispatcher = agent(['127.0.0.1'], resolving(['127.0.0.1'], ['10.0.0.1']));
    const url = server.url.replace('127.0.0.1', 'rebind.example.com');
    expect((await request(url, { dispatcher })).statusCode).toBe(204);
    expect(await refusedBy(request(url, { dispatcher }))).toContain('AddressRefusedError');
  });

  test('leaves a redirect unfollowed', async () => {
    const server = await scriptedServer({ status: 302, headers: { location: 'http://169.254.169.254/' } });
    const { statusCode } = await request(server.url, { dispatcher: agent(['127.0.0.1']) });
    expect(statusCode).toBe(302);
  });
});
