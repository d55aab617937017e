import { describe, expect, it } from 'vitest';
import {
  contractOf,
  jobTypes,
  jobTypesOf,
  mapPaths,
  masked,
  maskPersonalData,
  PermanentError,
  parsePayload,
  parseResult,
  queues,
} from './index.ts';

describe.each(jobTypes)('the contract of %s', (type) => {
  const contract = contractOf(type);

  it('accepts its own examples', () => {
    expect(() => parsePayload(type, contract.version, contract.example.payload)).not.toThrow();
    expect(() => parseResult(type, contract.example.result)).not.toThrow();
  });

  it('refuses a payload with an unknown field and names it', () => {
    expect(() => parsePayload(type, contract.version, { ...contract.example.payload, surplus: 1 })).toThrow(
      /surplus is not a known field/,
    );
  });

  it('names personal data only at paths its schema has', () => {
    for (const path of contract.personalData) {
      const [head = ''] = path.split('.');
      expect(Object.keys(contract.payload.shape), path).toContain(head);
    }
  });

  it('leaves nothing of its personal data in the masked example', () => {
    const values: unknown[] = [];
    mapPaths(contract.example.payload, contract.personalData, (part) => values.push(part));
    const text = JSON.stringify(maskPersonalData(contract.example.payload, contract.personalData));
    for (const value of values) if (typeof value === 'string' && value.length > 3) expect(text).not.toContain(value);
    if (values.length > 0) expect(text).toContain(masked);
  });
});

describe('the queues', () => {
  it('hold the twelve job types between them', () => {
    expect(jobTypes).toHaveLength(12);
    expect(jobTypesOf('money')).toEqual([
      'payment-process',
      'refund-process',
      'payout-process',
      'nft-mint',
      'reconcile-books',
    ]);
    expect(jobTypesOf('communication')).toEqual(['send-email', 'send-sms', 'send-push', 'deliver-webhook']);
    expect(jobTypesOf('background')).toEqual(['analytics-track', 'cleanup-old-data', 'generate-report']);
  });

  it('keep the idempotency windows of the promise', () => {
    const days = (type: (typeof jobTypes)[number]) => contractOf(type).policy.idempotencyWindowMs / 86_400_000;
    expect(days('nft-mint')).toBe(365);
    expect(days('payment-process')).toBe(90);
    expect(queues.communication.policy.idempotencyWindowMs).toBe(24 * 3_600_000);
    expect(queues.background.policy.idempotencyWindowMs).toBe(3_600_000);
  });
});

describe('a contract violation', () => {
  it('names the fields and never their values', () => {
    const payload = { orderId: 'o', amount: -4_242_424, currency: 'eur', paymentMethodId: 'pm_x' };
    expect(() => parsePayload('payment-process', 1, payload)).toThrow(PermanentError);
    expect(() => parsePayload('payment-process', 1, payload)).toThrow(/^(?!.*4242424).*amount/);
  });

  it('is a payload of a version this code does not know', () => {
    expect(() => parsePayload('payment-process', 9, {})).toThrow(/version 9/);
  });
});
