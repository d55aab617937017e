import { auditLogQuerySchema, auditLogSchema } from '@queue-service/contracts';
import { listAudit } from '@queue-service/persistence';
import { pageOf, type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { nextCursor, pageRequest } from '../http/cursor.ts';
import { type Route, route } from '../http/route.ts';

export function auditRoutes({ db }: Pick<Runtime, 'db'>): Route[] {
  return [
    route({
      method: 'get',
      path: '/audit-log',
      access: 'admin',
      summary: 'Who did what, newest first',
      query: auditLogQuerySchema,
      answers: { 200: auditLogSchema },
      problems: ['invalid_cursor', 'database_unavailable'],
      handler: async ({ query: { limit, cursor, ...filter }, actor }) => {
        const { after } = pageRequest({ limit, cursor });
        const rows = await whileDatabaseAvailable(() =>
          listAudit(db, { ...filter, tenantId: actor.scope }, after, limit + 1),
        );
        const page = pageOf(rows, limit, (row) => ({
          ...row,
          roles: [...row.roles],
          before: row.before as Record<string, unknown> | null,
          after: row.after as Record<string, unknown> | null,
          createdAt: row.createdAt.toISOString(),
        }));
        return { status: 200, body: { entries: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),
  ];
}
