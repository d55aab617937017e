import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { promisify } from 'node:util';
import { Problem, problemBody } from './problem.ts';

export interface RunningServer {
  readonly port: number;
  /**
   * Stops accepting, lets requests under way finish, and after `graceMs` cuts off those that have not. Resolves when all
   * connections are closed; true when none was cut off.
   */
  close(graceMs: number): Promise<boolean>;
}

export interface ServerTimeouts {
  /** For all headers of a request. Default 10 s: who is slower is not one of ours. */
  readonly headersMs?: number;
  /** For a whole request with its body. Default 30 s. */
  readonly requestMs?: number;
  /** How often the two are looked at. Default 5 s. */
  readonly checkEveryMs?: number;
  /** Without a byte in either direction, also of an answer that is not read. Default 120 s; streams of events are never that silent. */
  readonly idleMs?: number;
}

/** Streams of events and as many others again: beyond it the load balancer must ask another process. */
const MOST_CONNECTIONS = 20_000;
/** Longer than the idle time of the usual load balancers (60 s), or they send requests into a connection that closes. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;

/** @throws when the port cannot be listened on */
export async function listen(
  handler: RequestListener,
  port: number,
  timeouts: ServerTimeouts = {},
): Promise<RunningServer> {
  let closing: Promise<boolean> | undefined;
  const server = createServer(
    {
      headersTimeout: timeouts.headersMs ?? 10_000,
      requestTimeout: timeouts.requestMs ?? 30_000,
      connectionsCheckingInterval: timeouts.checkEveryMs ?? 5_000,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      // Whoever vanished without a word is found out by the kernel.
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
    },
    (req, res) => {
      // Else a client keeps its connection and sends the next request into a process that is about to end.
      if (closing) res.setHeader('Connection', 'close');
      // And one whose request was under way when the closing began would hold it up until its connection times out.
      res.once('close', () => {
        if (closing) setImmediate(() => server.closeIdleConnections());
      });
      handler(req, res);
    },
  );
  server.maxConnections = MOST_CONNECTIONS;
  server.timeout = timeouts.idleMs ?? 120_000;
  server.on('clientError', answerUnreadable);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, () => {
      server.off('error', reject);
      resolve();
    });
  });

  return {
    port: (server.address() as AddressInfo).port,
    close: (graceMs) => {
      closing ??= drain(server, graceMs);
      return closing;
    },
  };
}

async function drain(server: Server, graceMs: number): Promise<boolean> {
  let cutOff = false;
  const timer = setTimeout(() => {
    cutOff = true;
    server.closeAllConnections();
  }, graceMs);
  await promisify(server.close.bind(server))();
  clearTimeout(timer);
  return !cutOff;
}

/** What Node could not read as a request never reaches the app. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
  } else if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    end(socket, 408, 'application/problem+json', JSON.stringify(problemBody(new Problem('request_timeout'))));
  } else {
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : 400;
    end(socket, status, 'text/plain', STATUS_CODES[status] ?? '');
  }
}

function end(socket: Socket, status: number, type: string, body: string): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    `Content-Type: ${type}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
