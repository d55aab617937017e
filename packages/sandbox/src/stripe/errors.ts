import type { Reply } from '../http/request.ts';

export interface StripeErrorBody {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  code?: string;
  message: string;
  param?: string;
  decline_code?: string;
  advice_code?: string;
  charge?: string;
  doc_url?: string;
  payment_intent?: unknown;
  payment_method?: unknown;
}

/**
 * An answer that is an error. `saved` tells whether Stripe would keep it under the idempotency key: it keeps what the
 * endpoint's execution answered, and not what was refused before it (https://docs.stripe.com/api/idempotent_requests).
 */
export class StripeFailure extends Error {
  readonly status: number;
  readonly body: StripeErrorBody;
  readonly saved: boolean;
  readonly headers: Record<string, string>;

  constructor(status: number, body: StripeErrorBody, options: { saved: boolean; headers?: Record<string, string> }) {
    super(body.message);
    this.name = 'StripeFailure';
    this.status = status;
    this.body = body.code === undefined ? body : { ...body, doc_url: docUrl(body.code) };
    this.saved = options.saved;
    this.headers = options.headers ?? {};
  }

  reply(): Reply {
    return { status: this.status, headers: this.headers, body: { error: this.body }, keep: this.saved };
  }
}

function docUrl(code: string): string {
  return `https://stripe.com/docs/error-codes/${code.replaceAll('_', '-')}`;
}

/** 400 found while reading the parameters: before execution, so not saved. */
export function badParameter(message: string, param?: string, code?: string): StripeFailure {
  return new StripeFailure(
    400,
    { type: 'invalid_request_error', message, ...(code ? { code } : {}), ...(param ? { param } : {}) },
    { saved: false },
  );
}

/** 400 found by the endpoint's execution: saved. */
export function invalidRequest(message: string, code?: string, extra: Partial<StripeErrorBody> = {}): StripeFailure {
  return new StripeFailure(
    400,
    { type: 'invalid_request_error', message, ...(code ? { code } : {}), ...extra },
    { saved: true },
  );
}

/** No object of this id: 404 for the one in the path, 400 for one named by a parameter. */
export function missing(object: string, id: string, where: { param: string; inPath: boolean }): StripeFailure {
  return new StripeFailure(
    where.inPath ? 404 : 400,
    {
      type: 'invalid_request_error',
      code: 'resource_missing',
      message: `No such ${object}: '${id}'`,
      param: where.param,
    },
    { saved: true },
  );
}

/** 402, saved. */
export function cardError(body: Omit<StripeErrorBody, 'type'>): StripeFailure {
  return new StripeFailure(402, { type: 'card_error', ...body }, { saved: true });
}

export function unauthorized(message: string): StripeFailure {
  return new StripeFailure(401, { type: 'invalid_request_error', message }, { saved: false });
}

/** What Stripe answers by status alone; used for faults without a body. */
export function errorByStatus(status: number): Reply {
  switch (status) {
    case 401:
      return unauthorized('Invalid API Key provided: sk_test_****').reply();
    case 402:
      return cardError({
        code: 'card_declined',
        decline_code: 'generic_decline',
        message: 'Your card was declined.',
      }).reply();
    case 409:
      return new StripeFailure(
        409,
        {
          type: 'invalid_request_error',
          code: 'lock_timeout',
          message:
            'This object cannot be accessed right now because another API request or Stripe process is currently accessing it. If you see this error intermittently, retry the request. If you see this error frequently and are making multiple concurrent requests to a single object, make your requests serially or at a lower rate.',
        },
        { saved: false, headers: { 'Stripe-Should-Retry': 'true' } },
      ).reply();
    case 429:
      return new StripeFailure(
        429,
        {
          type: 'invalid_request_error',
          code: 'rate_limit',
          message: 'Request rate limit exceeded. Learn more about rate limits https://stripe.com/docs/rate-limits.',
        },
        { saved: false, headers: { 'Stripe-Rate-Limited-Reason': 'global-rate' } },
      ).reply();
    default:
      return new StripeFailure(
        status,
        status >= 500
          ? {
              type: 'api_error',
              message: 'Sorry! There was an error while talking to one of our backends. Support has been notified.',
            }
          : { type: 'invalid_request_error', message: `The request failed with status ${status}.` },
        // A saved 500 would only be replayed, which Stripe says by this header.
        { saved: false, headers: status === 500 ? { 'Stripe-Should-Retry': 'false' } : {} },
      ).reply();
  }
}
