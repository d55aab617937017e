import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createLogger } from '../logger/create-logger.ts';
import { scrubbing } from './scrub-spans.ts';
import { currentTraceId, injectTrace, withTrace } from './trace-context.ts';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('while tracing is off', () => {
  test('there is no trace id and nothing to store with a job', () => {
    expect(currentTraceId()).toBeUndefined();
    expect(injectTrace()).toEqual({});
  });

  test('work runs as it would without a carrier', () => {
    expect(withTrace({ traceparent }, () => 7)).toBe(7);
    expect(withTrace(undefined, () => 8)).toBe(8);
  });
});

describe('while tracing is on', () => {
  const finished = new InMemorySpanExporter();
  const tracer = () => trace.getTracer('test');

  beforeEach(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    const spanProcessors = [new SimpleSpanProcessor({ exporter: scrubbing(finished) })];
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors }));
  });

  afterEach(() => {
    finished.reset();
    trace.disable();
    propagation.disable();
    context.disable();
  });

  test('a job joins the trace of the request that stored it', () => {
    const carrier = tracer().startActiveSpan('request', (span) => {
      span.end();
      return { stored: injectTrace(), traceId: currentTraceId(), spanId: span.spanContext().spanId };
    });
    expect(carrier.stored.traceparent).toBe(`00-${carrier.traceId}-${carrier.spanId}-01`);
    const afterQueue = JSON.parse(JSON.stringify(carrier.stored));
    withTrace(afterQueue, () => {
      expect(currentTraceId()).toBe(carrier.traceId);
      tracer().startSpan('job').end();
    });
    const job = finished.getFinishedSpans().find(({ name }) => name === 'job');
    expect(job?.parentSpanContext).toMatchObject({ traceId: carrier.traceId, spanId: carrier.spanId });
  });

  test.each([undefined, {}, { traceparent: 'nonsense' }, { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` }])(
    'a carrier that is %j joins no trace',
    (carrier) => {
      expect(withTrace(carrier, currentTraceId)).toBeUndefined();
    },
  );

  test('work keeps its trace across awaits', async () => {
    await withTrace({ traceparent }, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      expect(currentTraceId()).toBe('0af7651916cd43dd8448eb211c80319c');
    });
  });

  test('log lines carry the ids of the trace and the span', () => {
    const lines: string[] = [];
    const log = createLogger({ service: 'api', level: 'info', destination: { write: (line) => lines.push(line) } });
    withTrace({ traceparent }, () => log.info({ queue: 'money' }, 'inside'));
    log.info('outside');
    const [inside, outside] = lines.map((line) => JSON.parse(line));
    expect(inside).toMatchObject({
      trace_id: '0af7651916cd43dd8448eb211c80319c',
      span_id: 'b7ad6b7169203331',
      queue: 'money',
    });
    expect(outside).not.toHaveProperty('trace_id');
  });

  test('spans leave without queries, secrets and personal data', () => {
    const span = tracer().startSpan('GET jane@example.com', {
      attributes: {
        'url.full': 'https://api.twilio.example/Messages.json?To=%2B15005550001',
        'url.query': '?To=%2B15005550001',
        'http.request.header.authorization': ['Bearer planted-token'],
        'http.response.status_code': 400,
      },
    });
    span.recordException(new Error('no such key sk_live_planted'));
    span.setStatus({ code: 2, message: 'refused jane@example.com' });
    span.end();
    const [sent] = finished.getFinishedSpans();
    expect(sent?.attributes).toEqual({
      'url.full': 'https://api.twilio.example/Messages.json',
      'url.query': '',
      'http.request.header.authorization': ['Bearer [secret]'],
      'http.response.status_code': 400,
    });
    expect(sent).toMatchObject({ name: 'GET [email]', status: { code: 2, message: 'refused [email]' } });
    expect(JSON.stringify(sent?.events)).toContain('sk_live_[secret]');
    expect(JSON.stringify(sent?.events)).not.toContain('planted');
  });
});
