import {
  context,
  isSpanContextValid,
  propagation,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';

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

/**
 * Runs one attempt of a job as a span of the trace of its request, so that what it asks of providers is found below it.
 * Names after OpenTelemetry's conventions for messaging. While tracing is off it only runs `work`.
 */
export function withJobSpan<T>(
  job: { id: string; type: string; queue: string; attempt: number; traceparent: string | null },
  work: () => Promise<T>,
): Promise<T> {
  const attributes = {
    'messaging.system': 'bullmq',
    'messaging.operation.type': 'process',
    'messaging.destination.name': job.queue,
    'messaging.message.id': job.id,
    'queue_service.job.type': job.type,
    'queue_service.job.attempt': job.attempt,
  };
  return withTrace(job.traceparent === null ? undefined : { traceparent: job.traceparent }, () =>
    trace
      .getTracer('queue-service')
      .startActiveSpan(`process ${job.type}`, { kind: SpanKind.CONSUMER, attributes }, async (span) => {
        try {
          return await work();
        } catch (error) {
          // Its message may hold personal data.
          span.setStatus({ code: SpanStatusCode.ERROR });
          throw error;
        } finally {
          span.end();
        }
      }),
  );
}

function activeSpanContext(): SpanContext | undefined {
  const active = trace.getActiveSpan()?.spanContext();
  return active && isSpanContextValid(active) ? active : undefined;
}
