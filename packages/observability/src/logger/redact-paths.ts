/** What a redacted field shows instead of its value. */
export const REDACTED = '[redacted]';

const SECRET_FIELDS = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'apiKey',
  'privateKey',
  'secretKey',
  '["set-cookie"]',
  '["proxy-authorization"]',
  '["x-api-key"]',
  '["stripe-signature"]',
];

/** Where a log line may hold headers or other objects with secrets: itself, one and two levels down, request and response. */
const SECRET_HOLDERS = ['', '*', '*.*', 'req.headers', 'res.headers'];

/** Where a log line may hold a job's payload or result; the path of a personal field is relative to those. */
const PAYLOAD_HOLDERS = ['', 'data', 'payload', 'body', 'result', '*.data', '*.payload', '*.body', '*.result'];

/** Names the logger itself writes, which a payload's field of the same name must not blank. */
const OWN_FIELDS = new Set([
  'level',
  'time',
  'msg',
  'err',
  'service',
  'pid',
  'hostname',
  'jobId',
  'requestId',
  'traceId',
]);

/**
 * Paths for pino's `redact`: the fields which always hold secrets, and the given personal fields, each of them wherever
 * a payload is usually logged. `personalFields` are paths inside a payload, in pino's syntax (`to`, `target.keys.auth`, `cc[*]`).
 */
export function redactPaths(personalFields: readonly string[]): string[] {
  const secrets = SECRET_HOLDERS.flatMap((holder) => SECRET_FIELDS.map((field) => joined(holder, field)));
  const personal = PAYLOAD_HOLDERS.flatMap((holder) => personalFields.map((field) => joined(holder, field)));
  return [...new Set([...secrets, ...personal])].filter((path) => !OWN_FIELDS.has(path));
}

function joined(holder: string, field: string): string {
  if (holder === '') return field;
  return field.startsWith('[') ? `${holder}${field}` : `${holder}.${field}`;
}
