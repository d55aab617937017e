import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** An answer, or what happens instead of one. */
export type Script =
  | { status: number; headers?: Record<string, string>; body?: unknown }
  /** Takes the request and never answers. */
  | 'hang'
  /** Takes the request and cuts the connection. */
  | 'reset';

export interface ScriptedServer {
  url: string;
  received: Received[];
  /** Answers of the next requests, in order; after them `otherwise` again. */
  next(...scripts: Script[]): void;
}

/** A server that answers as the test says; closed at the end of the calling test. */
export async function scriptedServer(otherwise: Script | ((request: Received) => Script)): Promise<ScriptedServer> {
  const received: Received[] = [];
  const queue: Script[] = [];
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = [];
    for await (const chunk of req) chunks.push(chunk as Buffer);
    const request = {
      method: req.method ?? '',
      path: req.url ?? '',
      headers: req.headers,
      body: Buffer.concat(chunks).toString(),
    };
    received.push(request);
    const script = queue.shift() ?? (typeof otherwise === 'function' ? otherwise(request) : otherwise);
    if (script === 'hang') return;
    if (script === 'reset') return void req.socket.destroy();
    const text =
      script.body === undefined || typeof script.body === 'string' ? script.body : JSON.stringify(script.body);
    res.writeHead(script.status, {
      ...(typeof script.body === 'object' && { 'content-type': 'application/json' }),
      ...script.headers,
    });
    res.end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    next: (...scripts) => queue.push(...scripts),
  };
}

/** An address where nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}
