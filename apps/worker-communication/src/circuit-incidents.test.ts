import { RetryableError } from '@queue-service/contracts';
import { createLogger } from '@queue-service/observability';
import { type Database, listOpenIncidents, openDatabase } from '@queue-service/persistence';
import { useDatabase } from '@queue-service/sandbox/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createCircuit } from './circuit.ts';
import { circuitIncidents } from './circuit-incidents.ts';

let db: Database;
beforeAll(async () => {
  // One connection: what is written is written before what is read.
  db = openDatabase({ url: (await useDatabase()).url, poolSize: 1 });
});
afterAll(() => db.close());

const { signal } = new AbortController();
const outage = () => Promise.reject(new RetryableError({ code: 'provider_unreachable', message: 'down' }));
const open = () => listOpenIncidents(db);

it('is one incident of all processes whose circuit of a provider opens, until it is closed again', async () => {
  const onChange = circuitIncidents(db, createLogger({ service: 'test', level: 'silent' }));
  const circuits = [1, 2].map(() =>
    createCircuit({
      ...{ provider: 'sendgrid', failures: 2, openMs: 50, random: () => 0 },
      onChange: (state) => onChange('sendgrid', state),
    }),
  );
  const each = (call: () => Promise<unknown>) =>
    Promise.all(circuits.map((circuit) => circuit.run(signal, call).catch(() => null)));
  await each(outage);
  expect(await open()).toEqual([]);
  await each(outage);
  await expect.poll(open).toMatchObject([{ key: 'circuit_open:sendgrid', kind: 'circuit_open', severity: 'warning' }]);

  await expect
    .poll(async () => {
      await each(async () => 'sent');
      return open();
    })
    .toEqual([]);
});

it('is none where one origin among many fails', async () => {
  circuitIncidents(db, createLogger({ service: 'test', level: 'silent' }))('webpush', 'open');
  expect(await open()).toEqual([]);
});
