import { RateLimitedError } from '@queue-service/contracts';
import type { ProviderLimiter } from '@queue-service/providers';
import { startStripe } from '@queue-service/sandbox';
import { Stripe } from 'stripe';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createStripe } from './client.ts';
import { mapStripeError } from './errors.ts';

describe('an error of Stripe', () => {
  let sandbox: Awaited<ReturnType<typeof startStripe>>;
  let stripe: Stripe;

  const charge = (client: Stripe = stripe, options: Stripe.RequestOptions = {}) =>
    client.paymentIntents.create(
      {
        amount: 100,
        currency: 'eur',
        confirm: true,
        payment_method: 'pm_card_visa',
        description: 'For Ada Lovelace, ada@example.com',
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      },
      options,
    );
  const errorOf = async (request: Promise<unknown>) =>
    mapStripeError(
      await request.then(
        () => 'no error',
        (error: unknown) => error,
      ),
    );
  const fault = (action: Parameters<typeof sandbox.faults.add>[0]['do']) =>
    sandbox.faults.add({ match: { method: 'POST' }, do: action });

  beforeAll(async () => {
    sandbox = await startStripe({ apiKey: 'sk_test_right' });
    stripe = createStripe({ secretKey: 'sk_test_right', apiBase: sandbox.url, timeoutMs: 500 });
  });
  afterEach(() => sandbox.faults.clear());
  afterAll(() => sandbox.stop());

  it.each([
    ['status', 500, 'UnknownOutcomeError', 'provider_error'],
    ['status', 502, 'UnknownOutcomeError', 'provider_error'],
    ['status', 409, 'RetryableError', 'lock_timeout'],
    ['status', 429, 'RateLimitedError', 'provider_rate_limited'],
    ['status', 401, 'PermanentError', 'provider_authentication_failed'],
    ['status', 403, 'PermanentError', 'provider_permission_denied'],
    ['status', 402, 'PermanentError', 'card_declined'],
    ['status', 400, 'PermanentError', 'invalid_request'],
  ] as const)('%s %i is %s %s', async (kind, status, name, code) => {
    fault({ kind, status });
    expect(await errorOf(charge())).toMatchObject({ name, code });
  });

  it.each([
    ['hang', 'provider_timeout'],
    ['hang-after-work', 'provider_timeout'],
    ['reset', 'provider_connection_lost'],
    ['reset-after-work', 'provider_connection_lost'],
  ] as const)('%s leaves the outcome unknown', async (kind, code) => {
    fault({ kind });
    expect(await errorOf(charge())).toMatchObject({ name: 'UnknownOutcomeError', code });
  });

  it('nothing that cannot be read is taken for a refusal', async () => {
    fault({ kind: 'status', status: 200, body: '<html>gateway</html>' });
    expect(await errorOf(charge())).toMatchObject({ name: 'UnknownOutcomeError', code: 'provider_error' });
  });

  it.each([
    ['a refused connection', 'http://127.0.0.1:1'],
    ['a refused connection over IPv6', 'http://[::1]:1'],
    ['a refused connection to every address of a name', 'http://localhost:1'],
  ])('%s means that nothing has left', async (_what, apiBase) => {
    const nowhere = createStripe({ secretKey: 'sk_test_right', apiBase, timeoutMs: 5_000 });
    expect(await errorOf(charge(nowhere))).toMatchObject({ name: 'RetryableError', code: 'provider_unreachable' });
  });

  it.each([
    ['getaddrinfo', 'ENOTFOUND', 'RetryableError', 'provider_unreachable'],
    ['connect', 'ETIMEDOUT', 'RetryableError', 'provider_unreachable'],
    ['read', 'ETIMEDOUT', 'UnknownOutcomeError', 'provider_timeout'],
    ['write', 'EHOSTUNREACH', 'UnknownOutcomeError', 'provider_connection_lost'],
  ])('%s %s is %s: only a connection that was never made has carried nothing', (syscall, code, name, mapped) => {
    const detail = Object.assign(new Error('network'), { syscall, code });
    const error = new Stripe.errors.StripeConnectionError({ type: 'api_error', message: 'x', detail } as never);
    expect(mapStripeError(error)).toMatchObject({ name, code: mapped });
  });

  it('sends a request once, whatever the SDK would do about a closed connection', async () => {
    fault({ kind: 'reset' });
    await errorOf(charge());
    expect(sandbox.faults.list()[0]).toMatchObject({ seen: 1, used: 1 });
  });

  it('honours Retry-After in seconds and as a date', async () => {
    fault({ kind: 'status', status: 429, headers: { 'Retry-After': '12' } });
    expect(await errorOf(charge())).toMatchObject({ retryAfterMs: 12_000 });
    vi.useFakeTimers({ now: new Date('2027-01-01T00:00:00Z'), toFake: ['Date'] });
    try {
      fault({ kind: 'status', status: 429, headers: { 'Retry-After': 'Fri, 01 Jan 2027 00:00:30 GMT' } });
      expect(await errorOf(charge())).toMatchObject({ retryAfterMs: 30_000 });
    } finally {
      vi.useRealTimers();
    }
  });

  it('tells a lock from a rate by its code', async () => {
    fault({
      kind: 'status',
      status: 429,
      body: { error: { type: 'invalid_request_error', code: 'lock_timeout', message: 'locked' } },
    });
    expect(await errorOf(charge())).toMatchObject({ name: 'RateLimitedError', code: 'lock_timeout' });
  });

  it('a key that was used for something else was used: unknown, not refused', async () => {
    await charge(stripe, { idempotencyKey: 'one' });
    const other = stripe.paymentIntents.create({ amount: 200, currency: 'eur' }, { idempotencyKey: 'one' });
    expect(await errorOf(other)).toMatchObject({ name: 'UnknownOutcomeError', code: 'idempotency_mismatch' });
  });

  it('names Stripe`s codes, the parameter and the request, and nothing that a customer wrote', async () => {
    const error = await errorOf(
      charge(createStripe({ secretKey: 'sk_test_wrong', apiBase: sandbox.url, timeoutMs: 500 })),
    );
    expect(error.message).toMatch(/^Stripe answered: status 401, request req_\w+$/);

    const declined = await errorOf(
      stripe.paymentIntents.create({
        amount: 100,
        currency: 'eur',
        confirm: true,
        payment_method: 'pm_card_chargeDeclinedInsufficientFunds',
        description: 'For Ada Lovelace, ada@example.com',
        metadata: { name: 'Ada Lovelace' },
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
      }),
    );
    expect(declined.message).toMatch(
      /^Stripe answered: card_declined, decline code insufficient_funds, status 402, request req_\w+$/,
    );
    expect(JSON.stringify([declined, declined.cause ?? null, declined.stack])).not.toMatch(/Ada|example\.com/);
  });

  describe('under the rate limit of the fleet', () => {
    const limited = (limiter: Partial<ProviderLimiter>) =>
      createStripe({
        secretKey: 'sk_test_right',
        apiBase: sandbox.url,
        timeoutMs: 500,
        limiter: { take: async () => {}, penalize: async () => {}, ...limiter },
      });

    it('passes on what the limit says', async () => {
      const take = async () => {
        throw new RateLimitedError({ code: 'provider_rate_limited', message: 'wait', retryAfterMs: 250 });
      };
      expect(await errorOf(charge(limited({ take })))).toMatchObject({
        name: 'RateLimitedError',
        code: 'provider_rate_limited',
        retryAfterMs: 250,
      });
    });

    it('tells the fleet of a 429, and not of a lock', async () => {
      const penalties: number[] = [];
      const strained = limited({ penalize: async (ms) => void penalties.push(ms) });
      fault({ kind: 'status', status: 429, headers: { 'Retry-After': '7' } });
      expect(await errorOf(charge(strained))).toMatchObject({ name: 'RateLimitedError', retryAfterMs: 7_000 });
      fault({ kind: 'status', status: 429, body: { error: { type: 'api_error', code: 'lock_timeout' } } });
      expect(await errorOf(charge(strained))).toMatchObject({ code: 'lock_timeout' });
      expect(penalties).toEqual([7_000]);
    });
  });
});
