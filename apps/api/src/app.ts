import type { Logger, Metrics, Secret } from '@queue-service/observability';
import express, { type Express, type RequestHandler } from 'express';
import helmet from 'helmet';
import { createGuard } from './auth/access.ts';
import { type Authenticate, createAuthenticate } from './auth/authenticate.ts';
import type { JwtTrust } from './auth/jwt-trust.ts';
import { errorHandler } from './http/error-handler.ts';
import type { LoadShedding } from './http/load-shedding.ts';
import { mount } from './http/mount.ts';
import { Problem } from './http/problem.ts';
import { FactsOfRequests } from './http/request-facts.ts';
import { requestLog } from './http/request-log.ts';
import { requestMetrics } from './http/request-metrics.ts';
import type { Route } from './http/route.ts';
import type { RateLimit } from './rate-limit/rate-limit.ts';
import { allRoutes, type RouteParts } from './routes/index.ts';
import { openApiRoutes } from './routes/openapi.ts';

export interface AppParts extends RouteParts {
  readonly log: Logger;
  readonly metrics: Pick<Metrics, 'text' | 'contentType' | 'httpRequest'>;
  readonly trust: JwtTrust;
  readonly rateLimit?: RateLimit;
  readonly shedding?: Pick<LoadShedding, 'handler' | 'bodies'>;
  readonly metricsToken?: Secret | undefined;
  /** Largest body of a request, in bytes. */
  readonly bodyLimitBytes: number;
  /** Those that work on the stores themselves: `operatorRoutes`. */
  readonly operatorRoutes?: readonly Route[];
  /** Console and Bull Board: `createAdmin`. */
  readonly admin?: (authenticate: Authenticate) => RequestHandler;
  readonly nowMs?: () => number;
}

/** Every route, with the documentation of all of them. */
export function tableOf(parts: AppParts): Route[] {
  const table = [...allRoutes(parts), ...(parts.operatorRoutes ?? [])];
  return [...table, ...openApiRoutes(table, parts.version)];
}

/** The API over its parts. Opens nothing and listens nowhere. */
export function createApp(parts: AppParts): Express {
  const facts = new FactsOfRequests();
  const authenticate = createAuthenticate(parts.trust, parts.nowMs ?? Date.now);
  const guard = createGuard(authenticate, parts.metricsToken?.reveal(), parts.rateLimit);

  const app = express();
  app.disable('x-powered-by');
  // Answers change with every look, and are for the asker alone.
  app.disable('etag');
  if (parts.shedding !== undefined) app.use(parts.shedding.handler);
  app.use(requestLog(parts.log, facts));
  app.use(requestMetrics(parts.metrics, facts));
  app.use(helmet());
  app.use((_req, res, next) => {
    res.set('Cache-Control', 'no-store');
    next();
  });
  if (parts.admin !== undefined) app.use('/admin', named(facts, '/admin'), parts.admin(authenticate));
  app.use(
    mount(tableOf(parts), { guard, facts, bodyLimitBytes: parts.bodyLimitBytes, bodies: parts.shedding?.bodies }),
  );
  app.use(() => {
    throw new Problem('not_found');
  });
  app.use(errorHandler());
  return app;
}

/** Names requests for the log and the metrics by where they are served, not by what they ask for. */
function named(facts: FactsOfRequests, route: string): RequestHandler {
  return (_req, res, next) => {
    facts.of(res).route = route;
    next();
  };
}
