import { JobError, RateLimitedError, RetryableError, UnknownOutcomeError } from '@queue-service/contracts';
import type { CIRCUIT_STATES } from '@queue-service/observability';
import type { HTTPClient, HTTPClientRequest, HTTPResponse } from '@segment/analytics-node';
import { ConsecutiveBreaker, circuitBreaker, handleWhen, isBrokenCircuitError } from 'cockatiel';
import { BatchRefusedError, errorOfAnswer, errorOfFailure } from './errors.ts';

export type CircuitStateName = keyof typeof CIRCUIT_STATES;

export interface BatchClientOptions {
  /** Batches in a row without an answer that open the circuit. */
  failures: number;
  /** How long it stays open before one batch is let through, in milliseconds. */
  openMs: number;
  now: () => number;
  onCircuit: (state: CircuitStateName) => void;
}

/**
 * Sends the SDK's batches, and throws what an answer means instead of handing it back: the SDK would take a redirect for
 * a delivery, and would wait through a rate limit inside of the process, where a shutdown cannot return the events.
 *
 * An outage must not use up the attempts of every waiting event: after some failures in a row, and while Segment has asked
 * for patience, batches are refused unsent.
 */
export function createBatchClient(options: BatchClientOptions): HTTPClient {
  const breaker = circuitBreaker(
    handleWhen((error) => error instanceof RetryableError || error instanceof UnknownOutcomeError),
    { breaker: new ConsecutiveBreaker(options.failures), halfOpenAfter: options.openMs },
  );
  breaker.onBreak(() => options.onCircuit('open'));
  breaker.onHalfOpen(() => options.onCircuit('halfOpen'));
  breaker.onReset(() => options.onCircuit('closed'));
  let pausedUntil = 0;
  return {
    makeRequest: async (request) => {
      const patienceMs = pausedUntil - options.now();
      if (patienceMs > 0) throw refusedUnsent('provider_rate_limited', 'Segment has asked for patience', patienceMs);
      try {
        return await breaker.execute(() => post(request));
      } catch (error) {
        if (isBrokenCircuitError(error)) throw refusedUnsent('provider_unavailable', 'Segment is down', options.openMs);
        if (error instanceof RateLimitedError) pausedUntil = Math.max(pausedUntil, options.now() + error.retryAfterMs);
        throw error;
      }
    },
  };
}

async function post(request: HTTPClientRequest): Promise<HTTPResponse> {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body,
      redirect: 'manual',
      signal: AbortSignal.timeout(request.httpRequestTimeout),
    });
    await response.arrayBuffer();
    if (response.ok) return { status: response.status, statusText: response.statusText };
    throw errorOfAnswer(response.status, response.headers.get('retry-after'), eventsIn(request.body));
  } catch (error) {
    throw error instanceof JobError || error instanceof BatchRefusedError ? error : errorOfFailure(error);
  }
}

function eventsIn(body: string): number {
  return (JSON.parse(body) as { batch: unknown[] }).batch.length;
}

function refusedUnsent(code: string, why: string, retryAfterMs: number): RateLimitedError {
  return new RateLimitedError({ code, message: `${why}; nothing was sent`, retryAfterMs });
}
