import { z } from 'zod';

/** Every code the API answers with, its status and its title (RFC 9457). Stable: clients switch on `code`. */
export const problemCodes = {
  malformed_json: { status: 400, title: 'The body is not valid JSON' },
  validation_failed: { status: 400, title: 'The request has bad fields' },
  unknown_job_type: { status: 400, title: 'There is no such job type' },
  unknown_queue: { status: 400, title: 'There is no such queue' },
  invalid_cursor: { status: 400, title: 'The cursor is not one this service gave out' },
  invalid_signature: { status: 400, title: 'The signature does not fit the body' },
  unauthorized: { status: 401, title: 'A valid bearer token is required' },
  forbidden: { status: 403, title: 'The token does not allow this' },
  not_found: { status: 404, title: 'There is no such resource' },
  method_not_allowed: { status: 405, title: 'The resource does not take this method' },
  not_acceptable: { status: 406, title: 'No acceptable representation' },
  conflict: { status: 409, title: 'The resource is not in a state that allows this' },
  request_timeout: { status: 408, title: 'The request took too long to arrive' },
  gone: { status: 410, title: 'The resource is gone' },
  body_too_large: { status: 413, title: 'The body is too large' },
  unsupported_media_type: { status: 415, title: 'The body must be application/json' },
  idempotency_key_reused: { status: 422, title: 'The idempotency key was used with another body' },
  invalid_flow: { status: 422, title: 'The flow cannot run as described' },
  rate_limited: { status: 429, title: 'Too many requests' },
  internal_error: { status: 500, title: 'Something failed on our side' },
  identity_unavailable: { status: 503, title: 'The keys that tokens are checked with cannot be fetched now' },
  queue_unavailable: { status: 503, title: 'The queue cannot take jobs now' },
  database_unavailable: { status: 503, title: 'The database cannot be reached now' },
  overloaded: { status: 503, title: 'The service sheds load' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problemCodes;

export const problemSchema = z
  .object({
    type: z.string().describe('URI of the kind of problem'),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(problemCodes) as [ProblemCode, ...ProblemCode[]]),
    detail: z.string().optional(),
    instance: z.string().optional(),
    requestId: z.string().optional(),
    errors: z
      .array(z.object({ path: z.string(), message: z.string(), code: z.string() }))
      .optional()
      .describe('Every bad field'),
  })
  .describe('RFC 9457 problem details');

export type Problem = z.infer<typeof problemSchema>;
