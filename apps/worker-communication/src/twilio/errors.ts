import { JobError, PermanentError, RetryableError, UnknownOutcomeError } from '@queue-service/contracts';
import { rateLimited } from '../outbound/retry-after.ts';
import { unanswered } from '../outbound/transport-error.ts';

/** https://www.twilio.com/docs/api/errors: numbers that cannot be written to, whoever writes. */
const invalidNumbers = new Set([21211, 21217, 21265, 21401, 21407, 21421, 21614]);
const optedOut = 21610;
const authentication = new Set([20003, 20005, 20008]);
const rateLimits = new Set([14107, 20429, 63018]);

/**
 * An error of the twilio SDK as one of the house. Twilio's messages quote numbers, so only its code goes on.
 * `rateLimits` are given here without their `Retry-After`, which the SDK's error drops: the HTTP client throws them before.
 */
export function twilioError(error: unknown): JobError {
  if (error instanceof JobError) return error;
  const { status, code } = error as { status?: unknown; code?: unknown };
  if (typeof status !== 'number') return unanswered('Twilio', error);
  const number = typeof code === 'number' ? code : 0;
  switch (true) {
    case invalidNumbers.has(number):
      return refused('invalid_number', `Twilio cannot write to this number (${number})`);
    case number === optedOut:
      return refused('opted_out', `The receiver has opted out of messages (${number})`);
    case status === 401 || status === 403 || authentication.has(number):
      return refused('provider_authentication_failed', `Twilio refuses the credentials (${number || status})`);
    case status === 429 || rateLimits.has(number):
      return rateLimited('Twilio', 10_000);
    case status >= 500:
      return new UnknownOutcomeError({ code: 'provider_error', message: `Twilio failed with ${status}` });
    default:
      return refused('invalid_request', `Twilio refuses the message (${number || status})`);
  }
}

/** The same for a question, which changes nothing at Twilio: it may always be asked again. */
export function twilioReadError(error: unknown): JobError {
  const mapped = twilioError(error);
  return mapped instanceof UnknownOutcomeError
    ? new RetryableError({ code: mapped.code, message: mapped.message })
    : mapped;
}

function refused(code: string, message: string): PermanentError {
  return new PermanentError({ code, message });
}
