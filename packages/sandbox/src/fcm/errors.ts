import type { Reply } from '../http/request.ts';

/** google.rpc.Status as JSON. https://firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode */
export function fcmError(code: number, status: string, message: string, errorCode?: string, field?: string): Reply {
  const details: unknown[] = [];
  if (errorCode) details.push({ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode });
  if (field) {
    details.push({
      '@type': 'type.googleapis.com/google.rpc.BadRequest',
      fieldViolations: [{ field, description: message }],
    });
  }
  return { status: code, body: { error: { code, message, status, ...(details.length > 0 ? { details } : {}) } } };
}

export function invalidArgument(message: string, field: string): Reply {
  return fcmError(400, 'INVALID_ARGUMENT', message, 'INVALID_ARGUMENT', field);
}

/** What FCM answers by status alone; used for faults without a body. */
export function errorByStatus(status: number): Reply {
  switch (status) {
    case 400:
      return invalidArgument('Request contains an invalid argument.', 'message');
    case 401:
      return fcmError(
        401,
        'UNAUTHENTICATED',
        'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
      );
    case 403:
      return fcmError(403, 'PERMISSION_DENIED', 'SenderId mismatch', 'SENDER_ID_MISMATCH');
    case 404:
      return fcmError(404, 'NOT_FOUND', 'Requested entity was not found.', 'UNREGISTERED');
    case 429: {
      const reply = fcmError(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for quota metric.', 'QUOTA_EXCEEDED');
      return { ...reply, headers: { 'Retry-After': '60' } };
    }
    case 503:
      return fcmError(503, 'UNAVAILABLE', 'The service is currently unavailable.', 'UNAVAILABLE');
    default:
      return fcmError(status, 'INTERNAL', 'Internal error encountered.', 'INTERNAL');
  }
}
