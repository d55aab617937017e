const LONGEST_MESSAGE = 2_000;
const LONGEST_STACK = 8_000;
const DEEPEST_CAUSE = 4;
const MOST_ERRORS = 5;

/** What of an error is printed. */
export interface SerializedError {
  type: string;
  message: string;
  code?: string | number;
  status?: number;
  stack?: string;
  cause?: SerializedError;
  /** The first errors of an AggregateError. */
  errors?: SerializedError[];
}

/**
 * An error as it may be printed: type, message, code, HTTP status, stack and causes. Nothing else is taken over, because
 * the errors of provider SDKs carry the request (with its authorization), its body and the answer (with personal data) as properties.
 * Values that are no errors come back as they are.
 */
export function serializeError(value: unknown): unknown {
  return value instanceof Error ? serialized(value, 0) : value;
}

function serialized(error: Error, depth: number): SerializedError {
  const { code, status, statusCode } = error as { code?: unknown; status?: unknown; statusCode?: unknown };
  const result: SerializedError = { type: error.name, message: cut(error.message, LONGEST_MESSAGE) };
  if (typeof code === 'string' || typeof code === 'number') result.code = code;
  const httpStatus = status ?? statusCode;
  if (typeof httpStatus === 'number') result.status = httpStatus;
  if (error.stack) result.stack = cut(error.stack, LONGEST_STACK);
  if (depth === DEEPEST_CAUSE) return result;
  if (error.cause instanceof Error) result.cause = serialized(error.cause, depth + 1);
  if (error instanceof AggregateError) {
    result.errors = error.errors
      .filter((each) => each instanceof Error)
      .slice(0, MOST_ERRORS)
      .map((each) => serialized(each, depth + 1));
  }
  return result;
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest)}… (${text.length} characters)` : text;
}
