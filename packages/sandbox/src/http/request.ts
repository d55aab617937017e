import type { IncomingHttpHeaders } from 'node:http';
import type { Request } from 'express';

/** A request as a simulator sees it: raw, because signatures and encrypted bodies need the bytes. */
export interface ProviderRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  /** The path with its query, as it came. */
  target: string;
  params: Record<string, string>;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** What a simulator answers. A string or Buffer body is sent as it is, anything else as JSON. */
export interface Reply {
  status: number;
  headers?: Record<string, string>;
  body?: unknown;
  /** False for an answer that an idempotency layer must not keep; default true. */
  keep?: boolean;
}

/** Bodies above this are answered 413 by the server itself; it is above every simulated provider's own limit. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;

/** Thrown by {@link readBody} when the sender goes past {@link MAX_BODY_BYTES}. */
export class BodyTooLargeError extends Error {
  constructor() {
    super(`request body is larger than ${MAX_BODY_BYTES} bytes`);
    this.name = 'BodyTooLargeError';
  }
}

/** Reads the whole body without looking at its content type or encoding. */
export async function readBody(req: Request): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > MAX_BODY_BYTES) throw new BodyTooLargeError();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

export async function toProviderRequest(req: Request): Promise<ProviderRequest> {
  const url = new URL(req.originalUrl, 'http://sandbox.invalid');
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(req.params)) params[name] = String(value);
  return {
    method: req.method,
    path: url.pathname,
    query: url.searchParams,
    target: req.originalUrl,
    params,
    headers: req.headers,
    body: await readBody(req),
  };
}

/** The one value of a header, or undefined. */
export function header(request: ProviderRequest, name: string): string | undefined {
  const value = request.headers[name.toLowerCase()];
  return Array.isArray(value) ? value[0] : value;
}
