import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from '@queue-service/observability';
import type { RequestHandler } from 'express';
import { pinoHttp } from 'pino-http';
import type { FactsOfRequests } from './request-facts.ts';

/** A caller's own id is taken over when it can stand in a header and in a log line. */
const saneRequestId = /^[A-Za-z0-9._:/+=-]{1,128}$/;

/** Asked every few seconds by machines: a good answer is no news, and a bad one the checks tell once. */
const quietRoutes = /\/(?:health(?:\/live|\/ready)?|metrics\/prometheus)$/;

/** The id under which a request is known here and in the jobs it makes. */
export function requestIdOf(req: IncomingMessage): string {
  return String(req.id);
}

/** Gives each request its id and a logger, and logs its end. Headers, query and bodies are never logged. */
export function requestLog(log: Logger, facts: FactsOfRequests): RequestHandler {
  return pinoHttp<IncomingMessage, ServerResponse>({
    logger: log,
    genReqId: (req, res) => {
      const given = req.headers['x-request-id'];
      const id = typeof given === 'string' && saneRequestId.test(given) ? given : randomUUID();
      res.setHeader('X-Request-Id', id);
      return id;
    },
    customAttributeKeys: { reqId: 'requestId', responseTime: 'durationMs' },
    quietReqLogger: true,
    // Its own would print every property of an error; the logger's print what is safe.
    wrapSerializers: false,
    serializers: {
      req: (req: IncomingMessage) => ({ method: req.method, path: pathOf(req) }),
      res: (res: ServerResponse) => ({ status: res.statusCode }),
    },
    customProps: (_req, res) => {
      const { route, principal, tenantId } = facts.of(res);
      return {
        ...(route === undefined ? {} : { route }),
        ...(principal === undefined ? {} : { actor: principal.subject, tenantId }),
      };
    },
    customLogLevel: (req, res, error) => {
      if (error !== undefined) return 'error';
      const expected = res.statusCode < 400 || res.statusCode === 503;
      if (expected && quietRoutes.test(pathOf(req))) return 'silent';
      return res.statusCode >= 500 ? 'error' : 'info';
    },
  });
}

/** Without the query, which may hold what should not be logged. */
export function pathOf(req: IncomingMessage): string {
  const url = 'originalUrl' in req && typeof req.originalUrl === 'string' ? req.originalUrl : (req.url ?? '');
  return url.split('?', 1)[0] ?? '';
}
