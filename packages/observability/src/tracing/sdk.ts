import { createRequire, syncBuiltinESMExports } from 'node:module';
import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { setGlobalErrorHandler, W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../logger/create-logger.ts';
import { within } from '../time/within.ts';
import { scrubbing } from './scrub-spans.ts';
import type { Tracing, TracingOptions } from './start-tracing.ts';

const FLUSH_MS = 2_000;

/** Sets OpenTelemetry up for this process. Only loaded when tracing is on: it patches `node:http`. */
export function startSdk(options: TracingOptions & { endpoint: string }): Tracing {
  const { service, endpoint, log, sampleRatio = 1 } = options;
  setGlobalErrorHandler((error) => log?.warn({ err: error }, 'Traces could not be exported'));

  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new TracerProvider({
    resource: detectResources({ detectors: [envDetector] }).merge(
      resourceFromAttributes({ 'service.name': service, 'service.namespace': 'queue-service' }),
    ),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [new BatchSpanProcessor({ exporter: scrubbing(exporter) })],
  });
  const contexts = new AsyncLocalStorageContextManager().enable();
  context.setGlobalContextManager(contexts);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);

  const instrumentations = instrument(options);
  return {
    enabled: true,
    shutdown: async () => {
      for (const instrumentation of instrumentations) instrumentation.disable();
      await flushed(provider, log);
      trace.disable();
      propagation.disable();
      context.disable();
    },
  };
}

function instrument({ ignoredPath = isProbe }: TracingOptions) {
  const http = new HttpInstrumentation({
    ignoreIncomingRequestHook: ({ url = '' }) => ignoredPath(url.split('?')[0] ?? ''),
    // A client span without a parent is a poll or a reconnect: noise that nobody looks for.
    requireParentforOutgoingSpans: true,
  });
  const undici = new UndiciInstrumentation({ requireParentforSpans: true });
  // The patch is applied when a module is required. ES modules import without that, and hold on to the functions they imported.
  const require = createRequire(import.meta.url);
  require('node:http');
  require('node:https');
  syncBuiltinESMExports();
  return [http, undici];
}

/** An unreachable collector must neither hold up the end of a process nor make it a failure. */
async function flushed(provider: TracerProvider, log: Logger | undefined): Promise<void> {
  const sent = provider.shutdown().then(() => true);
  const inTime = await within(FLUSH_MS, sent).catch((error: unknown) => {
    log?.warn({ err: error }, 'The last traces could not be sent');
    return true;
  });
  if (!inTime) log?.warn({ limitMs: FLUSH_MS }, 'The last traces could not be sent in time');
}

function isProbe(path: string): boolean {
  return path.startsWith('/health') || path === '/metrics';
}
