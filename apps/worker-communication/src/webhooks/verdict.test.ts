import { describe, expect, test } from 'vitest';
import { endpointDisabledNotice, isBeyondHope } from './endpoint-health.ts';
import { judge } from './verdict.ts';

describe('the verdict', () => {
  test.each([
    [200, false, { kind: 'delivered', statusCode: 200 }],
    [204, true, { kind: 'delivered', statusCode: 204 }],
    [301, false, { kind: 'retry', code: 'endpoint_redirects' }],
    [400, false, { kind: 'retry', code: 'endpoint_failed' }],
    [404, false, { kind: 'retry', code: 'endpoint_failed' }],
    [429, false, { kind: 'retry', code: 'endpoint_failed' }],
    [503, false, { kind: 'retry', code: 'endpoint_failed' }],
    [410, false, { kind: 'stop', code: 'endpoint_gone' }],
    [503, true, { kind: 'stop', code: 'delivery_aborted' }],
  ])('on %i (abort: %s) is %j', (statusCode, abort, verdict) => {
    expect(judge({ kind: 'answered', statusCode, abort })).toMatchObject(verdict);
  });

  test('no answer is tried again, a refused address is not', () => {
    expect(judge({ kind: 'unanswered', message: 'silence' })).toMatchObject({
      kind: 'retry',
      code: 'endpoint_no_answer',
    });
    expect(judge({ kind: 'refused', message: 'private' })).toMatchObject({ kind: 'stop', code: 'address_refused' });
  });
});

describe('an endpoint', () => {
  const now = new Date('2027-01-10T00:00:00Z');

  test.each([
    [null, false],
    ['2027-01-09T23:59:59Z', false],
    ['2027-01-05T00:00:01Z', false],
    ['2027-01-05T00:00:00Z', true],
    ['2026-12-01T00:00:00Z', true],
  ])('failing since %s is beyond hope: %s', (since, expected) => {
    expect(isBeyondHope(since === null ? null : new Date(since), now)).toBe(expected);
  });

  test('its notice says which and why', () => {
    const endpoint = { id: 'e-1', url: 'https://hooks.example.com/', failingSince: new Date('2027-01-01T00:00:00Z') };
    expect(endpointDisabledNotice(endpoint, 'failing', now)).toEqual({
      type: 'webhook_endpoint.disabled',
      timestamp: '2027-01-10T00:00:00.000Z',
      data: {
        endpointId: 'e-1',
        url: 'https://hooks.example.com/',
        reason: 'failing',
        failingSince: '2027-01-01T00:00:00.000Z',
      },
    });
  });
});
