import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../logger/create-logger.ts';
import type { Health } from './health.ts';
import type { Liveness } from './watchdog.ts';

export interface OpsServerOptions {
  /** 0 takes a free port. */
  readonly port: number;
  /** Address to listen on. Default: all, because probes and Prometheus come from outside the pod. */
  readonly host?: string | undefined;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly liveness: Liveness;
  readonly readiness: Health;
  readonly log: Logger;
}

export interface OpsServer {
  readonly port: number;
  /** Stops listening; requests under way get half a second. */
  close(): Promise<void>;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

const CLOSE_MS = 500;

/**
 * The operations port of a process: `/health/live` (the process only), `/health/ready` (its dependencies) and `/metrics`.
 * Without authentication: it must not be reachable from outside the cluster.
 *
 * @throws the system's error when the port is taken.
 */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const { log } = options;
  const server = createServer((request, response) => {
    answerTo(request, options)
      .catch((error: unknown): Answer => {
        log.error({ err: error }, 'An operations request failed');
        return json(500, { error: 'internal_error' });
      })
      .then((answer) => send(request, response, answer));
  });
  await listening(server, options.port, options.host);
  const { port } = server.address() as AddressInfo;
  log.info({ port }, 'Operations server is listening');
  return { port, close: () => closed(server) };
}

async function answerTo(request: IncomingMessage, options: OpsServerOptions): Promise<Answer> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'method_not_allowed' });
  switch (request.url?.split('?')[0]) {
    case '/health/live': {
      const { alive, detail } = options.liveness();
      return json(alive ? 200 : 503, { status: alive ? 'healthy' : 'unhealthy', ...(detail && { detail }) });
    }
    case '/health/ready': {
      const report = await options.readiness.report();
      return json(report.status === 'healthy' ? 200 : 503, report);
    }
    case '/metrics':
      return { status: 200, type: options.metrics.contentType, body: await options.metrics.text() };
    default:
      return json(404, { error: 'not_found' });
  }
}

function json(status: number, body: unknown): Answer {
  return { status, type: 'application/json; charset=utf-8', body: JSON.stringify(body) };
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(status === 405 && { allow: 'GET, HEAD' }),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function listening(server: Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), CLOSE_MS);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
