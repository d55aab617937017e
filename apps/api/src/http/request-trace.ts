import type { IncomingMessage } from 'node:http';
import { injectTrace } from '@queue-service/observability';

/** The trace that a request belongs to, to be handed on to what it makes. */
export interface RequestTrace {
  /** 32 hexadecimal digits. */
  readonly traceId: string | null;
  /** https://www.w3.org/TR/trace-context/#traceparent-header */
  readonly traceparent: string | null;
}

const traceparentForm = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** Our own span when tracing is on; else what the caller sent, so that his trace goes on in the workers. */
export function requestTrace(req: IncomingMessage): RequestTrace {
  const given = req.headers.traceparent;
  const traceparent = injectTrace().traceparent ?? (typeof given === 'string' ? given : '');
  const traceId = traceparentForm.exec(traceparent)?.[1];
  return traceId === undefined ? { traceId: null, traceparent: null } : { traceId, traceparent };
}
