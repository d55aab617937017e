import { join } from 'node:path';
import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { boardControls } from './board-controls.ts';
import { createHandlers } from './call.ts';
import { html } from './html.ts';
import { loginPage } from './login/login-page.ts';
import { sameOriginOnly } from './login/same-origin.ts';
import { createSessions, LoginRefusedError, type SessionParts } from './login/sessions.ts';
import { auditPages } from './pages/audit.ts';
import { deadLetterPages } from './pages/dead-letters.ts';
import { flowPages } from './pages/flows.ts';
import { jobPages } from './pages/jobs.ts';
import { overviewPages } from './pages/overview.ts';
import { reportPages } from './pages/reports.ts';
import { schedulePages } from './pages/schedules.ts';
import { tenantPages } from './pages/tenants.ts';
import { webhookPages } from './pages/webhooks.ts';

export interface ConsoleOptions extends Omit<SessionParts, 'nowMs'> {
  /** Origin of the API that serves this request: everything is read and changed through it, with the session's token. */
  apiUrl(req: Request): string;
  /** Bull Board, for admins. What it would change goes through the API instead. */
  readonly board: RequestHandler;
  readonly nowMs?: () => number;
}

/**
 * The console, to be mounted at `/admin`: login, pages, Bull Board. It has no rights of its own; tenant isolation, audit
 * and validation are those of the API, which it calls with the token of who is logged in.
 */
export function consoleRouter(options: ConsoleOptions): Router {
  const nowMs = options.nowMs ?? Date.now;
  const sessions = createSessions({ ...options, nowMs });
  const handlers = createHandlers({ sessions, apiUrl: options.apiUrl, nowMs });
  const router = Router();

  router.use('/assets', express.static(join(import.meta.dirname, 'assets'), { index: false }));
  router.use(sameOriginOnly, securityHeaders("'none'"));

  router.post('/login-codes', async (req, res) => {
    const token = /^Bearer (\S+)$/i.exec(req.get('Authorization') ?? '')?.[1];
    try {
      const { code, expiresAt } = await sessions.createCode(token ?? '', req, res);
      res.status(201).json({ code, path: `/admin/login#${code}`, expiresAt: expiresAt.toISOString() });
    } catch (error) {
      if (!(error instanceof LoginRefusedError)) throw error;
      res.status(401).json({ detail: error.message });
    }
  });

  router.get('/login', (req, res) => {
    sendLogin(res, null, placeInside(req.query['next']));
  });
  router.post('/login', form, async (req: Request, res: Response) => {
    const { token, next } = (req.body ?? {}) as Record<string, unknown>;
    const to = placeInside(next);
    try {
      await sessions.start(typeof token === 'string' ? token : '', req, res);
      res.redirect(303, to);
    } catch (error) {
      if (!(error instanceof LoginRefusedError)) throw error;
      sendLogin(res.status(401), error.message, to);
    }
  });
  router.post('/logout', (_req, res) => {
    sessions.end(res);
    res.redirect(303, '/admin/login');
  });

  // Its page names its own folder as the base of its addresses.
  router.use('/queues', securityHeaders("'self'"), boardControls(handlers, sessions), options.board);

  router.use(form);
  const all = [overviewPages, jobPages, deadLetterPages, schedulePages, flowPages, webhookPages, reportPages];
  for (const pages of [...all, tenantPages, auditPages]) {
    pages(router, handlers);
  }
  router.use(
    handlers.view(async () => ({
      title: 'Not found',
      status: 404,
      body: html`<h1>Not found</h1><p>The console has no such page.</p>`,
    })),
  );
  return router;
}

const form = express.urlencoded({ extended: false, limit: '256kb' });

/** Nothing inline, nothing from elsewhere, in no frame. */
function securityHeaders(baseUri: "'none'" | "'self'"): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: [baseUri],
        frameAncestors: ["'none'"],
      },
    },
    // Without it, browsers send `Origin: null` with a form, and nobody could tell it from another site's.
    referrerPolicy: { policy: 'same-origin' },
  });
}

function sendLogin(res: Response, refusal: string | null, next: string): void {
  res.type('html').send(String(loginPage(refusal, next)));
}

/** A place of the console; anything else would let a link lead somewhere else after the login. */
function placeInside(next: unknown): string {
  return typeof next === 'string' && /^\/admin(?:[/?][\x21-\x7e]*)?$/.test(next) && !next.includes('\\')
    ? next
    : '/admin';
}
