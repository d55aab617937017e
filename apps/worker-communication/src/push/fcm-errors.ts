import { type JobError, PermanentError, UnknownOutcomeError } from '@queue-service/contracts';
import { rateLimited, retryAfterMs } from '../outbound/retry-after.ts';

/** Google's error body (google.rpc.Status as JSON), as far as it is read. */
interface GoogleError {
  error?: { status?: string; message?: string; details?: { '@type'?: string; errorCode?: string }[] };
}

/**
 * An answer of FCM other than 2xx as one of the house's errors.
 * https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode
 */
export function fcmError(status: number, retryAfter: string | null, body: unknown, now: number): JobError {
  const { error } = (typeof body === 'object' && body !== null ? body : {}) as GoogleError;
  const code =
    error?.details?.find((detail) => detail.errorCode !== undefined)?.errorCode ?? error?.status ?? String(status);
  const refused = (own: string, message: string) => new PermanentError({ code: own, message: `${message} (${code})` });
  switch (true) {
    case code === 'UNREGISTERED' || status === 404 || status === 410:
      return refused('target_gone', 'The FCM token is not registered any more');
    case code === 'SENDER_ID_MISMATCH':
      return refused('invalid_request', 'target.token: belongs to another Firebase project');
    case status === 401 || status === 403:
      return refused('provider_authentication_failed', 'FCM refuses the service account or its APNs certificate');
    case status === 413 || (status === 400 && /too (big|large)/i.test(error?.message ?? '')):
      return refused('payload_too_large', 'FCM refuses the message because of its size');
    case status === 429:
      // FCM asks for at least a minute where it gives no time.
      return rateLimited('FCM', retryAfterMs(retryAfter, 60_000, now));
    case status >= 500:
      return new UnknownOutcomeError({ code: 'provider_error', message: `FCM failed with ${status}` });
    default:
      return refused('invalid_request', 'FCM refuses the message');
  }
}
