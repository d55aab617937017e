import {
  acceptDifferenceSchema,
  type BookDifferenceResource,
  bookDifferenceAnswerSchema,
  bookDifferenceListSchema,
  bookDifferenceQuerySchema,
  pageQuerySchema,
  type ReconciliationResource,
  reconciliationAnswerSchema,
  reconciliationListSchema,
} from '@queue-service/contracts';
import {
  acceptBookDifference,
  type BookDifferenceRow,
  closeIncident,
  countOpenBookDifferences,
  findReconciliation,
  insertAudit,
  listBookDifferences,
  listReconciliations,
  type ReconciliationRow,
} from '@queue-service/persistence';
import { pageOf, type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry } from '../audit.ts';
import { nextCursor, pageRequest } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody, type Route, route } from '../http/route.ts';

const params = z.object({ id: z.uuid() });

/** What reconcile-books found. A comparison is started as any job is: POST /jobs. */
export function bookRoutes({ db }: Pick<Runtime, 'db'>): Route[] {
  return [
    route({
      method: 'get',
      path: '/books/reconciliations',
      access: 'admin',
      summary: 'Comparisons of the ledger with the providers’ books, newest first',
      query: pageQuerySchema,
      answers: { 200: reconciliationListSchema },
      problems: ['invalid_cursor', 'database_unavailable'],
      handler: async ({ query }) => {
        const { limit, after } = pageRequest(query);
        const rows = await whileDatabaseAvailable(() => listReconciliations(db, after, limit + 1));
        const page = pageOf(rows, limit, reconciliationResource);
        return { status: 200, body: { reconciliations: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),

    route({
      method: 'get',
      path: '/books/reconciliations/:id',
      access: 'admin',
      summary: 'One comparison',
      params,
      answers: { 200: reconciliationAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id } }) => {
        const row = await whileDatabaseAvailable(() => findReconciliation(db, id));
        if (row === null) throw new Problem('not_found');
        return { status: 200, body: { reconciliation: reconciliationResource(row) } };
      },
    }),

    route({
      method: 'get',
      path: '/books/differences',
      access: 'admin',
      summary: 'Differences between the ledger and the providers, newest first',
      query: bookDifferenceQuerySchema,
      answers: { 200: bookDifferenceListSchema },
      problems: ['invalid_cursor', 'database_unavailable'],
      handler: async ({ query: { limit, cursor, ...filter } }) => {
        const { after } = pageRequest({ limit, cursor });
        const rows = await whileDatabaseAvailable(() => listBookDifferences(db, filter, after, limit + 1));
        const page = pageOf(rows, limit, differenceResource);
        return { status: 200, body: { differences: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),

    route({
      method: 'post',
      path: '/books/differences/:id/accept',
      access: 'admin',
      summary: 'Explain a difference, so that it counts no more',
      params,
      body: jsonBody(acceptDifferenceSchema),
      answers: { 200: bookDifferenceAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, body: { reason }, actor, requestId }) => {
        const accepted = await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            const row = await acceptBookDifference(sql, { id, by: actor.principal.subject, reason });
            if (row === null) return null;
            if ((await countOpenBookDifferences(sql)) === 0) await closeIncident(sql, 'books_differ');
            const what = { action: 'books.accept-difference', resource: 'book_difference', resourceId: id };
            await insertAudit(sql, [auditEntry({ actor, requestId }, { ...what, after: { key: row.key, reason } })]);
            return row;
          }),
        );
        if (accepted === null) throw new Problem('not_found');
        return { status: 200, body: { difference: differenceResource(accepted) } };
      },
    }),
  ];
}

function reconciliationResource(row: ReconciliationRow): ReconciliationResource {
  return {
    ...row,
    from: row.from.toISOString(),
    to: row.to.toISOString(),
    createdAt: row.createdAt.toISOString(),
  };
}

function differenceResource(row: BookDifferenceRow): BookDifferenceResource {
  const { id, kind, status, provider, object, effectId, jobId, providerId, resolvedBy, resolvedReason } = row;
  const { ledgerAmount, ledgerCurrency, ledgerState, providerAmount, providerCurrency, providerStatus } = row;
  return {
    ...{ id, kind, status, provider, object, effectId, jobId, providerId, resolvedBy, resolvedReason },
    ledger: ledgerState === null ? null : { amount: ledgerAmount, currency: ledgerCurrency, state: ledgerState },
    atProvider:
      providerStatus === null ? null : { amount: providerAmount, currency: providerCurrency, status: providerStatus },
    happenedAt: row.happenedAt.toISOString(),
    reconciliationId: row.runId,
    lastSeenAt: row.lastSeenAt.toISOString(),
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  };
}
