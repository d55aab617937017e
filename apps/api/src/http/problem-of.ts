import { DatabaseUnavailableError, QueueUnavailableError } from '@queue-service/queue';
import { Problem } from './problem.ts';

/** What an error that left a route means for the client. What is not known here is ours, and says nothing of itself. */
export function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof QueueUnavailableError) {
    return new Problem('queue_unavailable', { retryAfterSeconds: error.retryAfterSeconds, cause: error });
  }
  if (error instanceof DatabaseUnavailableError) {
    return new Problem('database_unavailable', { retryAfterSeconds: error.retryAfterSeconds, cause: error });
  }
  if (error instanceof URIError) {
    const problem = { path: 'path', message: 'is not valid percent-encoding', code: 'invalid_encoding' };
    return new Problem('validation_failed', { errors: [problem] });
  }
  return fromBodyParser(error) ?? new Problem('internal_error', { cause: error });
}

/** https://github.com/expressjs/body-parser#errors */
function fromBodyParser(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined;
  const { type, code, limit } = error as { type?: unknown; code?: unknown; limit?: unknown };
  switch (type) {
    case 'entity.parse.failed':
      return new Problem('malformed_json');
    case 'entity.too.large':
      return new Problem('body_too_large', { detail: `The limit is ${String(limit)} bytes` });
    case 'encoding.unsupported':
    case 'charset.unsupported':
      return new Problem('unsupported_media_type', {
        detail: 'The body must be UTF-8, plain or as gzip, deflate or br',
      });
    case 'stream.encoding.set':
    case 'request.aborted':
    case 'request.size.invalid':
      return new Problem('malformed_json', { detail: 'The body is not as long as announced' });
    default:
      // What does not decompress comes as an error of zlib.
      return /^(?:Z_|ZSTD_|ERR__?(?:ERROR|BROTLI|ZLIB|ZSTD)|ERR_TRAILING_JUNK)/.test(String(code))
        ? new Problem('malformed_json', { detail: 'The body does not decompress' })
        : undefined;
  }
}
