import { cacheFlushAnswerSchema, cacheStatsAnswerSchema } from '@queue-service/contracts';
import { insertAudit } from '@queue-service/persistence';
import { type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { auditEntry } from '../audit.ts';
import type { Caches } from '../cache/caches.ts';
import { type Route, route } from '../http/route.ts';

export function cacheRoutes({ db }: Pick<Runtime, 'db'>, { jobs, queues }: Caches): Route[] {
  return [
    route({
      method: 'get',
      path: '/cache/stats',
      access: 'admin',
      summary: 'Size, hit rate and greatest age of the read cache of this process',
      answers: { 200: cacheStatsAnswerSchema },
      handler: () => ({ status: 200, body: { caches: [jobs.stats(), queues.stats()] } }),
    }),
    route({
      method: 'delete',
      path: '/cache/flush',
      access: 'admin',
      summary: 'Forget what the read cache of this process holds',
      answers: { 200: cacheFlushAnswerSchema },
      problems: ['database_unavailable'],
      handler: async (change) => {
        const flushed = jobs.flush() + queues.flush();
        const what = { action: 'cache.flush', resource: 'cache', resourceId: 'read', after: { flushed } };
        await whileDatabaseAvailable(() => insertAudit(db, [auditEntry(change, what)]));
        return { status: 200, body: { flushed } };
      },
    }),
  ];
}
