import { hkdfSync, randomBytes } from 'node:crypto';
import { consoleRouter } from '@queue-service/console';
import type { Logger, Secret } from '@queue-service/observability';
import type { SealingKey } from '@queue-service/persistence';
import { type Runtime, whileAvailable } from '@queue-service/queue';
import type { RequestHandler } from 'express';
import type { Authenticate } from '../auth/authenticate.ts';
import { bullBoard } from './bull-board.ts';

export interface AdminParts {
  readonly runtime: Pick<Runtime, 'connections'>;
  readonly config: {
    readonly JWT_SECRET?: Secret | undefined;
    readonly PAYLOAD_ENCRYPTION_KEYS: readonly SealingKey[];
  };
  readonly log: Logger;
}

/** Console and Bull Board, to be mounted at `/admin`, over the authentication of the API. */
export function createAdmin({ runtime, config, log }: AdminParts): (authenticate: Authenticate) => RequestHandler {
  const { connections } = runtime;
  const key = sessionKey(config, log);
  const { redis: store, prefix } = connections.of('communication');
  const redisOf = <T>(use: (redis: typeof store) => Promise<T>) =>
    whileAvailable(store, 'communication', () => use(store));
  const keyOf = (code: string) => `${prefix}:console-code:${code}`;
  return (authenticate) =>
    consoleRouter({
      key,
      verify: (token, req, res) => {
        req.headers.authorization = `Bearer ${token}`;
        return authenticate(req, res);
      },
      codes: {
        put: async (code, value, ttlMs) => {
          await redisOf((redis) => redis.set(keyOf(code), value, 'PX', ttlMs));
        },
        take: (code) => redisOf((redis) => redis.getdel(keyOf(code))),
      },
      // The port that the request came in by is ours, whatever the address by which it was asked for.
      apiUrl: (req) => `http://127.0.0.1:${req.socket.localPort}`,
      board: bullBoard(connections, '/admin/queues'),
    });
}

/** The same on every replica; from what is configured, so that there is no further secret to keep. */
function sessionKey({ JWT_SECRET, PAYLOAD_ENCRYPTION_KEYS: [sealing] }: AdminParts['config'], log: Logger): Uint8Array {
  const secret = sealing?.key ?? JWT_SECRET?.reveal();
  if (secret === undefined) {
    log.warn(
      'Neither PAYLOAD_ENCRYPTION_KEYS nor JWT_SECRET is set: a login to the console is good for one replica only',
    );
  }
  return new Uint8Array(hkdfSync('sha256', secret ?? randomBytes(32), '', 'queue-service console session', 32));
}
