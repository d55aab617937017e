import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Express } from 'express';
import type { LocalCertificate } from './certificate.ts';

/** A running local server. */
export interface RunningServer {
  /** `http://127.0.0.1:<port>` or `https://…`, without a slash at the end. */
  url: string;
  port: number;
  /** Stops listening and cuts open connections, hanging ones included. */
  stop(): Promise<void>;
}

/**
 * Listens on 127.0.0.1.
 * @param port 0 takes a free port.
 * @param certificate speaks HTTPS with it
 * @throws the listen error (`EADDRINUSE`) when the port is taken.
 */
export async function listen(app: Express, port: number, certificate?: LocalCertificate): Promise<RunningServer> {
  const server = certificate
    ? createSecureServer({ cert: certificate.certificate, key: certificate.privateKey }, app)
    : createServer(app);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = (server.address() as AddressInfo).port;
  return {
    url: `${certificate ? 'https' : 'http'}://127.0.0.1:${bound}`,
    port: bound,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
