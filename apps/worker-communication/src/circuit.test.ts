import { PermanentError, RateLimitedError, RetryableError, UnknownOutcomeError } from '@queue-service/contracts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type Circuit, type CircuitOptions, circuitsByOrigin, createCircuit } from './circuit.ts';

const { signal } = new AbortController();
const outage = () => Promise.reject(new RetryableError({ code: 'provider_unreachable', message: 'down' }));
const fails = (circuit: Circuit, call: () => Promise<unknown>) =>
  circuit.run(signal, call).then(
    () => undefined,
    (error: unknown) => error,
  );

// cockatiel takes the time from Date; only that is replaced, so that promises and sockets go on.
beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: 1_000_000 }));
afterEach(() => void vi.useRealTimers());

function circuit(options: Partial<CircuitOptions> = {}) {
  return createCircuit({ provider: 'sendgrid', failures: 3, openMs: 10_000, random: () => 0, ...options });
}

async function opened(options: Partial<CircuitOptions> = {}) {
  const made = circuit(options);
  for (let failure = 0; failure < 3; failure += 1) await fails(made, outage);
  return made;
}

describe('the circuit', () => {
  test('passes calls and their errors through while it is closed', async () => {
    const made = circuit();
    await expect(made.run(signal, async () => 'sent')).resolves.toBe('sent');
    expect(await fails(made, outage)).toBeInstanceOf(RetryableError);
  });

  test('opens after failures in a row, and then tells jobs to come back without calling', async () => {
    const made = await opened();
    const call = vi.fn(async () => 'sent');
    const error = await fails(made, call);
    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ code: 'provider_unavailable', retryAfterMs: 10_000 });
    expect(call).not.toHaveBeenCalled();
  });

  test('counts unknown outcomes as failures', async () => {
    const made = circuit({ failures: 1 });
    await fails(made, () => Promise.reject(new UnknownOutcomeError({ code: 'provider_error', message: '500' })));
    expect(await fails(made, async () => 'sent')).toMatchObject({ code: 'provider_unavailable' });
  });

  test('stays closed when the provider refuses requests: it is there', async () => {
    const made = circuit();
    for (let refusal = 0; refusal < 10; refusal += 1) {
      await fails(made, () => Promise.reject(new PermanentError({ code: 'invalid_request', message: '400' })));
    }
    await expect(made.run(signal, async () => 'sent')).resolves.toBe('sent');
  });

  test('a success between failures keeps it closed', async () => {
    const made = circuit();
    for (const call of [outage, outage, async () => 'sent', outage, outage]) await fails(made, call);
    await expect(made.run(signal, async () => 'sent')).resolves.toBe('sent');
  });

  test('lets one call through after its time, and closes when that succeeds', async () => {
    const changes: string[] = [];
    const made = await opened({ onChange: (state) => changes.push(state) });
    vi.advanceTimersByTime(10_000);
    await expect(made.run(signal, async () => 'sent')).resolves.toBe('sent');
    await expect(made.run(signal, async () => 'sent')).resolves.toBe('sent');
    expect(changes).toEqual(['open', 'halfOpen', 'closed']);
  });

  test('opens anew when that one call fails', async () => {
    const made = await opened();
    vi.advanceTimersByTime(10_000);
    expect(await fails(made, outage)).toBeInstanceOf(RetryableError);
    expect(await fails(made, async () => 'sent')).toMatchObject({ code: 'provider_unavailable', retryAfterMs: 10_000 });
  });

  test('sends other jobs away while that one call is under way', async () => {
    const made = await opened();
    vi.advanceTimersByTime(10_000);
    const probe = Promise.withResolvers<string>();
    const first = made.run(signal, () => probe.promise);
    await vi.waitFor(async () =>
      expect(await fails(made, async () => 'sent')).toMatchObject({ code: 'provider_unavailable' }),
    );
    probe.resolve('sent');
    await expect(first).resolves.toBe('sent');
  });

  test('a rate limit holds back all calls until it is over', async () => {
    const made = circuit();
    await fails(made, () =>
      Promise.reject(new RateLimitedError({ code: 'provider_rate_limited', message: '429', retryAfterMs: 4_000 })),
    );
    expect(await fails(made, async () => 'sent')).toMatchObject({ code: 'provider_rate_limited', retryAfterMs: 4_000 });
    vi.advanceTimersByTime(4_000);
    await expect(made.run(signal, async () => 'sent')).resolves.toBe('sent');
  });

  test('a rate limit of one receiver holds back nobody else', async () => {
    const made = circuit({ pauseOnRateLimit: false });
    await fails(made, () =>
      Promise.reject(new RateLimitedError({ code: 'provider_rate_limited', message: '429', retryAfterMs: 4_000 })),
    );
    await expect(made.run(signal, async () => 'sent')).resolves.toBe('sent');
  });

  test('a rate limit of one worker holds back the whole fleet', async () => {
    const penalties: unknown[] = [];
    const limiter = { take: async () => undefined, penalize: async (...told: unknown[]) => void penalties.push(told) };
    const limited = new RateLimitedError({ code: 'provider_rate_limited', message: 'slow down', retryAfterMs: 7_000 });
    await fails(circuit({ limiter }), () => Promise.reject(limited));
    await fails(circuit({ limiter, pauseOnRateLimit: false }), () => Promise.reject(limited));
    expect(penalties).toEqual([['sendgrid', 7_000]]);
  });

  test('spreads the jobs that come back', async () => {
    const made = await opened({ random: () => 0.5 });
    expect(await fails(made, async () => 'sent')).toMatchObject({ retryAfterMs: 12_500 });
  });

  test('asks the limiter of the fleet before each call, and passes its refusal on', async () => {
    const taken: string[] = [];
    const limiter = {
      async take(provider: string) {
        if (taken.length === 1)
          throw new RateLimitedError({ code: 'fleet_rate_limited', message: 'full', retryAfterMs: 250 });
        taken.push(provider);
      },
      penalize: async () => undefined,
    };
    const made = circuit({ limiter });
    await expect(made.run(signal, async () => 'sent')).resolves.toBe('sent');
    expect(await fails(made, async () => 'sent')).toMatchObject({ code: 'fleet_rate_limited', retryAfterMs: 250 });
    expect(taken).toEqual(['sendgrid']);
  });

  test('one for each origin, of a bounded number', async () => {
    const circuitOf = circuitsByOrigin(() => circuit({ failures: 1 }), 2);
    await fails(circuitOf('https://a'), outage);
    expect(await fails(circuitOf('https://a'), async () => 'sent')).toMatchObject({ code: 'provider_unavailable' });
    await expect(circuitOf('https://b').run(signal, async () => 'sent')).resolves.toBe('sent');
    circuitOf('https://c');
    await expect(circuitOf('https://a').run(signal, async () => 'sent')).resolves.toBe('sent');
  });
});
