import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** An event stream: what it says at once, and what comes then. */
export interface StreamReply {
  readonly stream: string;
  readonly then: 'end' | 'broken' | 'silence';
}

const noStream: Reply = {
  status: 404,
  body: { type: 'about:blank', title: 'Not found', status: 404, code: 'not_found' },
};

/**
 * An HTTP server that answers with the replies in turn, the last one again and again; null drops the connection.
 * @param streams the same for event streams, which are asked for apart
 */
export async function stubApi(
  replies: readonly (Reply | null)[],
  streams: readonly (Reply | StreamReply | null)[] = [noStream],
) {
  const received: Received[] = [];
  const listened: Received[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const [before, answers] = path.endsWith('/events') ? [listened, streams] : [received, replies];
      const reply = answers[Math.min(before.length, answers.length - 1)] ?? null;
      before.push({ method, path, headers, body });
      if (reply === null) request.socket.destroy();
      else if ('stream' in reply) sendStream(response, reply);
      else {
        response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers });
        response.end(JSON.stringify(reply.body));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    /** Requests for event streams. */
    listened,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sendStream(response: ServerResponse, { stream, then }: StreamReply): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  response.write(stream, () => {
    if (then === 'broken') response.destroy();
  });
  if (then === 'end') response.end();
}
