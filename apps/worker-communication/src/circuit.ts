import { RateLimitedError, RetryableError, UnknownOutcomeError } from '@queue-service/contracts';
import type { CIRCUIT_STATES } from '@queue-service/observability';
import type { Provider } from '@queue-service/queue';
import { CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';

/** Code of the refusal while a provider is down: nothing was sent, another provider may do it instead. */
export const providerUnavailable = 'provider_unavailable';

/** The rate that the whole fleet may use a provider at. */
export interface ProviderLimiter {
  /**
   * Resolves when one more request may leave.
   * @throws RateLimitedError when that is too far away to wait for
   */
  take(provider: Provider, signal: AbortSignal): Promise<void>;
  /** Tells that the provider asked for patience: nobody of the fleet sends for that long. Never rejects. */
  penalize(provider: Provider, retryAfterMs: number): Promise<void>;
}

export const noLimiter: ProviderLimiter = { take: () => Promise.resolve(), penalize: () => Promise.resolve() };

export interface CircuitOptions {
  provider: Provider;
  limiter?: ProviderLimiter;
  /** Failures in a row that open the circuit. */
  failures?: number;
  /** How long it stays open before one request is let through to try, in milliseconds. */
  openMs?: number;
  /** False where the provider limits one receiver and not this account: then a 429 stops only its own job. */
  pauseOnRateLimit?: boolean;
  onChange?: (state: keyof typeof CIRCUIT_STATES) => void;
  /** A number in [0, 1): spreads the jobs that come back, so that they do not arrive in step. */
  random?: () => number;
}

/** Stands between the jobs and one provider. */
export interface Circuit {
  /**
   * Calls the provider, unless it is known to be down or has asked for patience.
   * @throws RateLimitedError (`provider_unavailable`, `provider_rate_limited`) without a call; what `call` throws
   */
  run<T>(signal: AbortSignal, call: () => Promise<T>): Promise<T>;
}

/**
 * An outage must not use up the attempts of every waiting job: after some failures in a row the circuit opens, and jobs
 * are told to come back later, which costs no attempt. A rate limit of the provider is passed on to all jobs of this
 * worker at once, before they run into it one by one.
 *
 * It knows the state of this process only: each worker of the fleet finds out for itself.
 */
export function createCircuit(options: CircuitOptions): Circuit {
  const {
    provider,
    limiter = noLimiter,
    failures = 5,
    openMs = 30_000,
    pauseOnRateLimit = true,
    random = Math.random,
  } = options;
  let opensAgainAt = 0;
  let pausedUntil = 0;

  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof RetryableError || error instanceof UnknownOutcomeError),
    { breaker: new ConsecutiveBreaker(failures), halfOpenAfter: openMs },
  );
  breaker.onBreak(() => {
    opensAgainAt = Date.now() + openMs;
    options.onChange?.('open');
  });
  breaker.onHalfOpen(() => options.onChange?.('halfOpen'));
  breaker.onReset(() => options.onChange?.('closed'));

  function comeBackAt(moment: number, code: string, message: string): RateLimitedError {
    return new RateLimitedError({
      code,
      message,
      retryAfterMs: Math.ceil(moment - Date.now() + (random() * openMs) / 2),
    });
  }

  const down = (until: number) => comeBackAt(until, providerUnavailable, `${provider} is down; nothing was sent`);

  function refuse(): void {
    if (breaker.state === CircuitState.Open && Date.now() < opensAgainAt) throw down(opensAgainAt);
    // A probe is under way: its outcome decides for all, and waiting for it would hold a slot of the worker.
    if (breaker.state === CircuitState.HalfOpen) throw down(Date.now() + 1_000);
    if (Date.now() < pausedUntil) {
      throw comeBackAt(pausedUntil, 'provider_rate_limited', `${provider} has asked for patience; nothing was sent`);
    }
  }

  return {
    async run(signal, call) {
      refuse();
      await limiter.take(provider, signal);
      refuse();
      try {
        return await breaker.execute(call, signal);
      } catch (error) {
        // Opened by others between the check above and this call.
        if (isBrokenCircuitError(error)) throw down(opensAgainAt);
        if (pauseOnRateLimit && error instanceof RateLimitedError) {
          pausedUntil = Math.max(pausedUntil, Date.now() + error.retryAfterMs);
          await limiter.penalize(provider, error.retryAfterMs);
        }
        throw error;
      }
    },
  };
}

/** Circuits made as they are needed, one for each origin; of `most` origins, the one used least lately goes first. */
export function circuitsByOrigin(make: () => Circuit, most = 256): (origin: string) => Circuit {
  const circuits = new Map<string, Circuit>();
  return (origin) => {
    const circuit = circuits.get(origin) ?? make();
    circuits.delete(origin);
    circuits.set(origin, circuit);
    const oldest = circuits.keys().next();
    if (circuits.size > most && oldest.done !== true) circuits.delete(oldest.value);
    return circuit;
  };
}
