import {
  JobError,
  PermanentError,
  RateLimitedError,
  RetryableError,
  UnknownOutcomeError,
} from '@queue-service/contracts';
import { ClaimLostError } from '@queue-service/queue';
import { Stripe } from 'stripe';

/** Without a Retry-After, Stripe's advice is to back off from about a second. */
const defaultRetryAfterMs = 2_000;

/** Code of a 429 that is about one object and not about the fleet. */
export const LOCK_TIMEOUT = 'lock_timeout';

/** Stripe's codes for which the contracts have a word of their own; all others become `invalid_request`. */
const codes: Readonly<Record<string, string>> = {
  account_invalid: 'account_invalid',
  account_closed: 'account_invalid',
  insufficient_capabilities_for_transfer: 'account_invalid',
  payouts_not_allowed: 'account_invalid',
  balance_insufficient: 'insufficient_funds',
  insufficient_funds: 'insufficient_funds',
  charge_already_refunded: 'already_refunded',
  payment_intent_unexpected_state: 'payment_intent_unexpected_state',
};

/**
 * What an error of a request to Stripe means, as seen by a request that was to change something.
 *
 * Messages are made of Stripe's codes, the parameter's name and the request id, never of its sentences, which repeat
 * values; and the error is not kept as `cause`, because it carries the whole PaymentIntent with its metadata.
 */
export function mapStripeError(error: unknown): JobError | ClaimLostError {
  if (error instanceof JobError || error instanceof ClaimLostError) return error;
  if (error instanceof Stripe.errors.StripeConnectionError) return connectionError(error);
  if (!(error instanceof Stripe.errors.StripeError)) {
    const kind = error instanceof Error ? error.name : typeof error;
    return new UnknownOutcomeError({
      code: 'provider_error',
      message: `Stripe's SDK failed with ${kind}`,
      cause: error,
    });
  }
  const message = describe(error);
  const status = error.statusCode ?? 0;
  if (error instanceof Stripe.errors.StripeRateLimitError) {
    const code = error.code === LOCK_TIMEOUT ? LOCK_TIMEOUT : 'provider_rate_limited';
    return new RateLimitedError({ code, message, retryAfterMs: retryAfterMs(error.headers) });
  }
  // A request under our key is on its way: one of our own, given up earlier. So it may well happen.
  if (error.code === 'idempotency_key_in_use')
    return new UnknownOutcomeError({ code: 'idempotency_key_in_use', message, retryAfterMs: stillAtWorkMs });
  // Our key was used before with other parameters, so something was done under it: to be looked for, not repeated.
  if (error instanceof Stripe.errors.StripeIdempotencyError)
    return new UnknownOutcomeError({ code: 'idempotency_mismatch', message });
  // Only Stripe itself refuses. An answer without its `type` is that of something in front of it, which may have passed
  // the request on all the same; so are the statuses that Stripe does not use.
  if (!refusals.has(status) || typeof error.rawType !== 'string')
    return new UnknownOutcomeError({ code: 'provider_error', message });
  if (status === 409) return new RetryableError({ code: error.code ?? 'provider_conflict', message });
  if (error instanceof Stripe.errors.StripeAuthenticationError) {
    return new PermanentError({ code: 'provider_authentication_failed', message });
  }
  if (error instanceof Stripe.errors.StripePermissionError) {
    return new PermanentError({ code: codes[error.code ?? ''] ?? 'provider_permission_denied', message });
  }
  if (error instanceof Stripe.errors.StripeCardError)
    return new PermanentError({ code: declineCode(error.code), message });
  return new PermanentError({ code: codes[error.code ?? ''] ?? 'invalid_request', message });
}

/** https://docs.stripe.com/api/errors; 424 says that something behind Stripe failed, 408 is a proxy's. */
const refusals: ReadonlySet<number> = new Set([400, 401, 402, 403, 404, 409]);

/** How soon a request of our own that is still at work is asked about again. */
const stillAtWorkMs = 2_000;

/** The contract's word for a declined payment; Stripe's own code stands in the message. */
export function declineCode(code: string | null | undefined): 'authentication_required' | 'card_declined' {
  return code === 'authentication_required' ? 'authentication_required' : 'card_declined';
}

interface Described {
  code?: string | null | undefined;
  decline_code?: string | null | undefined;
  param?: string | null | undefined;
  statusCode?: number | undefined;
  requestId?: string | null | undefined;
}

function describe(error: Described): string {
  const parts = [
    error.code,
    error.decline_code && `decline code ${error.decline_code}`,
    error.param && `parameter ${error.param}`,
    error.statusCode && `status ${error.statusCode}`,
    error.requestId && `request ${error.requestId}`,
  ];
  return `Stripe answered: ${parts.filter(Boolean).join(', ') || 'an error without a code'}`;
}

/** What Stripe says of a payment attempt that failed, for messages. */
export function describeDecline(failure: Described | null): string {
  return failure === null
    ? 'The payment has no payment method that can be charged'
    : describe({ ...failure, param: undefined });
}

function connectionError(error: InstanceType<typeof Stripe.errors.StripeConnectionError>): JobError | ClaimLostError {
  const detail: unknown = error.detail;
  if (detail instanceof JobError || detail instanceof ClaimLostError) return detail;
  if (codeOf(detail) === 'ETIMEDOUT' && !isConnecting(detail)) {
    return new UnknownOutcomeError({ code: 'provider_timeout', message: 'Stripe did not answer in time' });
  }
  if (isConnecting(detail)) {
    return new RetryableError({
      code: 'provider_unreachable',
      message: `No connection to Stripe: ${codeOf(detail) ?? 'unknown reason'}`,
    });
  }
  return new UnknownOutcomeError({
    code: 'provider_connection_lost',
    message: 'The connection to Stripe broke before its answer came',
  });
}

/**
 * True only when the connection was never made, so that no request can have left. The system call is asked and not
 * the code alone: `ETIMEDOUT` and `EHOSTUNREACH` also end connections that were in use.
 */
function isConnecting(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.length > 0 && error.errors.every(isConnecting);
  const call = (error as { syscall?: unknown } | undefined)?.syscall;
  return call === 'connect' || call === 'getaddrinfo';
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** How long Stripe asks to wait. RFC 9110: seconds, or a date. */
export function retryAfterMs(headers: Record<string, string> | undefined): number {
  const value = headers?.['retry-after'];
  if (value === undefined) return defaultRetryAfterMs;
  const ms = /^\d+(\.\d+)?$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : defaultRetryAfterMs;
}
