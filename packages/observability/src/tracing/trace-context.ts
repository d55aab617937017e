import { context, isSpanContextValid, propagation, type SpanContext, trace } from '@opentelemetry/api';

/** W3C trace context in the form in which it travels with a job. https://www.w3.org/TR/trace-context/ */
export interface TraceCarrier {
  traceparent?: string;
  tracestate?: string;
}

/** Id of the trace this code runs in, 32 hexadecimal digits; undefined outside a trace and while tracing is off. */
export function currentTraceId(): string | undefined {
  return activeSpanContext()?.traceId;
}

/** The fields by which log lines are found from a trace. Names after OpenTelemetry's log data model. */
export function activeTraceFields(): { trace_id?: string; span_id?: string } {
  const active = activeSpanContext();
  return active ? { trace_id: active.traceId, span_id: active.spanId } : {};
}

/** What to store with a job so that its processing joins the trace of the request; empty while tracing is off. */
export function injectTrace(): TraceCarrier {
  const carrier: TraceCarrier = {};
  propagation.inject(context.active(), carrier);
  return carrier;
}

/** Runs `work` as a part of the trace that {@link injectTrace} stored. A missing or malformed carrier starts no trace. */
export function withTrace<T>(carrier: TraceCarrier | undefined, work: () => T): T {
  return carrier ? context.with(propagation.extract(context.active(), carrier), work) : work();
}

function activeSpanContext(): SpanContext | undefined {
  const active = trace.getActiveSpan()?.spanContext();
  return active && isSpanContextValid(active) ? active : undefined;
}
