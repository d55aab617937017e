import { type JobError, PermanentError, UnknownOutcomeError } from '@queue-service/contracts';
import { rateLimited, retryAfterMs, untilEpochSeconds } from '../outbound/retry-after.ts';
import { unanswered } from '../outbound/transport-error.ts';

/** The part of `ResponseError` of @sendgrid/helpers that is read here; its own type lacks the body's shape. */
interface Answer {
  status: number;
  headers: Record<string, string | undefined>;
  errors: { message?: unknown; field?: unknown }[];
}

/**
 * An error of @sendgrid/mail as one of the house.
 * https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors
 *
 * SendGrid's messages may quote addresses, so of a refusal only the names of the fields are kept.
 */
export function sendgridError(error: unknown, now: number): JobError {
  const answer = answerOf(error);
  if (answer === null) return unanswered('SendGrid', error);
  const { status, headers } = answer;
  switch (true) {
    case status === 401 || status === 403:
      return new PermanentError({
        code: 'provider_authentication_failed',
        message: `SendGrid refuses the API key or the sender (${status})`,
      });
    case status === 413:
      return new PermanentError({
        code: 'message_too_large',
        message: 'SendGrid refuses the mail because of its size',
      });
    case status === 429: {
      const reset = untilEpochSeconds(headers['x-ratelimit-reset'], now);
      return rateLimited('SendGrid', retryAfterMs(headers['retry-after'], reset ?? 60_000, now));
    }
    case status >= 500:
      return new UnknownOutcomeError({ code: 'provider_error', message: `SendGrid failed with ${status}` });
    default:
      return new PermanentError({
        code: 'invalid_request',
        message: `SendGrid refuses the mail (${status})${fieldsOf(answer)}`,
      });
  }
}

function answerOf(error: unknown): Answer | null {
  const { code, response } = error as {
    code?: unknown;
    response?: { status?: number; headers?: unknown; body?: unknown };
  };
  if (response === undefined) return null;
  const status = typeof code === 'number' ? code : response.status;
  if (status === undefined) return null;
  const body = response.body as { errors?: unknown } | null | undefined;
  return {
    status,
    headers: (response.headers ?? {}) as Answer['headers'],
    errors: Array.isArray(body?.errors) ? body.errors : [],
  };
}

function fieldsOf({ errors }: Answer): string {
  const fields = errors.flatMap(({ field }) =>
    typeof field === 'string' && /^[\w.[\]-]{1,100}$/.test(field) ? [field] : [],
  );
  return fields.length === 0 ? '' : `: ${[...new Set(fields)].join(', ')}`;
}
