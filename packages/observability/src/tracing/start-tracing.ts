import type { Logger } from '../logger/create-logger.ts';

export interface TracingOptions {
  /** Name of the process, as `service.name`. */
  readonly service: string;
  /** Base URL of an OTLP collector over HTTP (`OTEL_EXPORTER_OTLP_ENDPOINT`), usually port 4318. Unset: no tracing. */
  readonly endpoint?: string | undefined;
  /** Share of traces that is kept, 0 to 1, for those that begin here; others follow the decision of their caller. Default 1. */
  readonly sampleRatio?: number | undefined;
  /** Incoming requests that are not traced, by path. Default: those of the operations port. */
  readonly ignoredPath?: ((path: string) => boolean) | undefined;
  readonly log?: Logger | undefined;
}

export interface Tracing {
  readonly enabled: boolean;
  /** Sends what is buffered and turns tracing off. Never rejects. */
  shutdown(): Promise<void>;
}

/**
 * Starts tracing of incoming and outgoing HTTP (`node:http` and `fetch`) and of everything that uses the OpenTelemetry API, or, without
 * an endpoint, does nothing at all: the SDK is not even loaded. Call it before the first client or server is made.
 */
export async function startTracing(options: TracingOptions): Promise<Tracing> {
  const { endpoint } = options;
  if (endpoint === undefined) return { enabled: false, shutdown: async () => {} };
  const { startSdk } = await import('./sdk.ts');
  return startSdk({ ...options, endpoint });
}
