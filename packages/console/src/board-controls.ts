import { ProblemError, type QueueName } from '@queue-service/client';
import { type RequestHandler, Router } from 'express';
import type { Call, Handlers } from './call.ts';
import { html } from './html.ts';
import type { Sessions } from './login/sessions.ts';

/** Bull Board's buttons that have a meaning here, by the path that they call. */
const changes: Readonly<Record<string, (call: Call) => Promise<unknown>>> = {
  '/api/queues/pause': async ({ client }) => {
    for (const { queue } of await client.queues.list()) await client.queues.pause(queue);
  },
  '/api/queues/resume': async ({ client }) => {
    for (const { queue } of await client.queues.list()) await client.queues.resume(queue);
  },
  '/api/queues/:queue/pause': ({ client, param }) => client.queues.pause(param('queue') as QueueName),
  '/api/queues/:queue/resume': ({ client, param }) => client.queues.resume(param('queue') as QueueName),
  '/api/queues/:queue/:jobId/retry': ({ client, param }) => client.jobs.retry(param('jobId')),
  '/api/queues/:queue/:jobId/clean': ({ client, param }) => client.jobs.cancel(param('jobId')),
};

/**
 * Stands before Bull Board: lets admins in only, and carries out its buttons by the API. What Bull Board would write to
 * Redis itself, the ledger would not know and nobody would find in the audit log.
 */
export function boardControls({ view, callOf }: Handlers, sessions: Sessions): RequestHandler {
  const router = Router();
  const notAllowed = view(async () => ({
    title: 'Not allowed',
    status: 403,
    body: html`<h1>Not allowed</h1><p>Bull Board shows the jobs of all tenants; it is for admins.</p>`,
  }));

  router.use(async (req, res, next) => {
    const session = await sessions.current(req, res);
    if (session?.admin === true) next();
    else if (req.path.startsWith('/api/')) res.status(session === null ? 401 : 403).json({ error: 'Not allowed' });
    else await notAllowed(req, res, next);
  });

  for (const [path, change] of Object.entries(changes)) {
    router.put(path, async (req, res) => {
      try {
        const session = await sessions.current(req, res);
        if (session !== null) await change(callOf(req, session));
        res.json({});
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error;
        res.status(error.status).json({ error: error.message });
      }
    });
  }
  router.use((req, res, next) => {
    if (req.method === 'GET' || req.method === 'HEAD') next();
    else res.status(405).json({ error: 'Bull Board only looks here; the console changes what may be changed' });
  });
  return router;
}
