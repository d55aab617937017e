import { suppressionListQuerySchema, suppressionListSchema } from '@queue-service/contracts';
import { deleteSuppression, insertAudit, listSuppressions, suppressionHash } from '@queue-service/persistence';
import { pageOf, type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry } from '../audit.ts';
import { nextCursor, pageRequest } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { type Route, route } from '../http/route.ts';

export function suppressionRoutes({ db, sealer }: Pick<Runtime, 'db' | 'sealer'>): Route[] {
  return [
    route({
      method: 'get',
      path: '/suppressions',
      access: 'user',
      summary: 'Addresses that are not written to any more, newest first',
      query: suppressionListQuerySchema,
      answers: { 200: suppressionListSchema },
      problems: ['invalid_cursor', 'database_unavailable'],
      handler: async ({ query: { channel, address, ...paging }, actor }) => {
        const { limit, after } = pageRequest(paging);
        const hash =
          channel === undefined || address === undefined ? undefined : suppressionHash(sealer, channel, address);
        const filter = { tenantId: actor.scope, channel, hash };
        const rows = await whileDatabaseAvailable(() => listSuppressions(db, filter, after, limit + 1));
        const page = pageOf(rows, limit, (row) => ({
          ...row,
          address: String(sealer.openValue(row.address)),
          createdAt: row.createdAt.toISOString(),
        }));
        return { status: 200, body: { suppressions: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),

    route({
      method: 'delete',
      path: '/suppressions/:id',
      access: 'user',
      summary: 'Write to an address again',
      params: z.object({ id: z.uuid() }),
      answers: { 204: null },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => {
        await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            const removed = await deleteSuppression(sql, id, change.actor.scope);
            if (removed === null) throw new Problem('not_found');
            const { tenantId, channel, reason, source } = removed;
            await insertAudit(sql, [
              auditEntry(change, {
                ...{ action: 'suppression.delete', resource: 'suppression', resourceId: id, tenantId },
                before: { channel, reason, source },
              }),
            ]);
          }),
        );
        return { status: 204, body: undefined };
      },
    }),
  ];
}
