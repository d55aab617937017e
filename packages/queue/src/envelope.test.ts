import fc from 'fast-check';
import { expect, it } from 'vitest';
import { envelopeIn, newEnvelope, storedEnvelope } from './envelope.ts';

const text = fc.option(fc.string({ minLength: 1 }));
const time = fc.option(fc.integer({ min: 1 }));

it('is the same again after it was stored', () => {
  const given = fc.record({
    tenantId: fc.string(),
    payload: fc.oneof(fc.constant({}), fc.constant({ to: 'x', none: null, zero: 0, empty: [] })),
    payloadVersion: fc.integer(),
    priority: fc.integer({ min: 1, max: 10 }),
    maxAttempts: fc.integer(),
    timeoutMs: fc.integer(),
    createdAt: fc.integer(),
    ...{ idempotencyKey: text, webhookUrl: text, requestId: text, traceId: text, traceparent: text },
    ...{ scheduledFor: time, startedAt: time, attempts: fc.nat() },
    flow: fc.option(fc.record({ flowId: fc.uuid(), step: fc.string() })),
    attemptLog: fc.array(fc.constant({ attempt: 1 } as never), { maxLength: 2 }),
    effects: fc.dictionary(fc.constantFrom('mail', 'call'), fc.constant({ status: 'intended' } as never)),
  });
  fc.assert(
    fc.property(given, (envelope) => {
      const data = JSON.parse(JSON.stringify(storedEnvelope(envelope)));
      expect(envelopeIn({ data })).toEqual(newEnvelope(envelope));
    }),
  );
});

it('is stored without what is empty', () => {
  const envelope = newEnvelope({
    ...{ tenantId: 't', payload: {}, payloadVersion: 1, priority: 5, maxAttempts: 3, timeoutMs: 1_000 },
    createdAt: 1_790_000_000_000,
  });
  expect(JSON.stringify(storedEnvelope(envelope))).toBe(
    '{"tenantId":"t","payload":{},"payloadVersion":1,"priority":5,"maxAttempts":3,"timeoutMs":1000,"createdAt":1790000000000}',
  );
});
