import {
  contractOf,
  type DeadLetterResource,
  deadLetterAnswerSchema,
  deadLetterDetailAnswerSchema,
  deadLetterListQuerySchema,
  deadLetterListSchema,
  isJobType,
  masked,
  maskPersonalData,
  queueNameSchema,
  redriveManyAnswerSchema,
  redriveManySchema,
  redriveRunAnswerSchema,
} from '@queue-service/contracts';
import {
  countDeadLetters,
  type DeadLetterRow,
  findDeadLetter,
  findRedriveRun,
  insertAudit,
  listDeadLetters,
  openLettersOf,
  resolveDeadLetter,
} from '@queue-service/persistence';
import { pageOf, type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry } from '../audit.ts';
import { nextCursor, pageRequest } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { jsonBody, type Route, route } from '../http/route.ts';
import { openLetter, type Redrive } from '../redrive.ts';
import { nextMillisecond, runResource, startRun, stopRun } from '../redrive-run.ts';

const params = z.object({ id: z.uuid() });

/** More than these are worked off in the background. */
const mostAtOnce = 100;
const defaultRate = 20;

export function deadLetterRoutes({ db }: Pick<Runtime, 'db'>, redrive: Redrive): Route[] {
  return [
    route({
      method: 'get',
      path: '/dead-letters',
      access: 'venue',
      summary: 'Jobs that failed for good, newest first',
      query: deadLetterListQuerySchema,
      answers: { 200: deadLetterListSchema },
      problems: ['invalid_cursor', 'database_unavailable'],
      handler: async ({ query: { limit, cursor, ...filter }, actor }) => {
        const { after } = pageRequest({ limit, cursor });
        const rows = await whileDatabaseAvailable(() =>
          listDeadLetters(db, { ...filter, tenantId: actor.scope }, after, limit + 1),
        );
        const page = pageOf(rows, limit, resourceOf);
        return { status: 200, body: { deadLetters: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),

    route({
      method: 'get',
      path: '/dead-letters/:id',
      access: 'venue',
      summary: 'One dead letter with its payload and attempts',
      params,
      answers: { 200: deadLetterDetailAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, actor }) => {
        const row = await whileDatabaseAvailable(() => findDeadLetter(db, { id }, actor.scope, false));
        if (row === null) throw new Problem('not_found');
        // Without its contract nobody knows what of it is personal.
        const data = isJobType(row.type) ? maskPersonalData(row.payload, contractOf(row.type).personalData) : masked;
        return { status: 200, body: { deadLetter: { ...resourceOf(row), data, attemptLog: row.attemptLog } } };
      },
    }),

    route({
      method: 'post',
      path: '/dead-letters/:id/redrive',
      access: 'venue',
      summary: 'Start the job of a dead letter again',
      params,
      answers: { 202: deadLetterAnswerSchema },
      problems: ['not_found', 'conflict', 'queue_unavailable', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => {
        return { status: 202, body: { deadLetter: resourceOf(await redrive({ id }, change)) } };
      },
    }),

    route({
      method: 'post',
      path: '/dead-letters/redrive',
      access: 'venue',
      summary: 'Start the jobs of many open dead letters again; a dry run unless told otherwise',
      body: jsonBody(redriveManySchema),
      answers: { 200: redriveManyAnswerSchema, 202: redriveManyAnswerSchema },
      problems: ['queue_unavailable', 'database_unavailable'],
      handler: async ({ body, ...change }) => {
        const { filter, limit, dryRun, ratePerSecond } = body;
        const { scope } = change.actor;
        const open = openLettersOf(filter, scope, nextMillisecond());
        const [matching, rows] = await whileDatabaseAvailable(() =>
          Promise.all([countDeadLetters(db, open), listDeadLetters(db, open, null, limit ?? mostAtOnce)]),
        );
        const none: DeadLetterResource[] = [];
        const answer = { dryRun, matching, skipped: [], run: null };
        if (dryRun) return { status: 200, body: { ...answer, deadLetters: rows.map(resourceOf) } } as const;
        if (limit === undefined && (matching > mostAtOnce || ratePerSecond !== undefined)) {
          const run = await startRun(db, { filter, ratePerSecond: ratePerSecond ?? defaultRate }, change);
          return { status: 202, body: { ...answer, deadLetters: none, run: runResource(run) } } as const;
        }
        const deadLetters: DeadLetterResource[] = [];
        const skipped: string[] = [];
        for (const { id } of rows) {
          try {
            deadLetters.push(resourceOf(await redrive({ id }, change)));
          } catch (error) {
            // Somebody else was faster; the others go on.
            if (!(error instanceof Problem)) throw error;
            skipped.push(id);
          }
        }
        return { status: 200, body: { ...answer, deadLetters, skipped } } as const;
      },
    }),

    route({
      method: 'get',
      path: '/dead-letters/redrives/:id',
      access: 'venue',
      summary: 'How far a redrive of many letters is',
      params,
      answers: { 200: redriveRunAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, actor }) => {
        const run = await whileDatabaseAvailable(() => findRedriveRun(db, id, actor.scope));
        if (run === null) throw new Problem('not_found');
        return { status: 200, body: { run: runResource(run) } };
      },
    }),

    route({
      method: 'delete',
      path: '/dead-letters/redrives/:id',
      access: 'venue',
      summary: 'Stop a redrive of many letters; what it has started goes on',
      params,
      answers: { 200: redriveRunAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => {
        return { status: 200, body: { run: runResource(await stopRun(db, id, change)) } };
      },
    }),

    route({
      method: 'delete',
      path: '/dead-letters/:id',
      access: 'venue',
      summary: 'Discard a dead letter: its job is not started again',
      params,
      query: z.strictObject({ reason: z.string().trim().min(1).max(500).describe('Why; kept with the letter') }),
      answers: { 200: deadLetterAnswerSchema },
      problems: ['not_found', 'conflict', 'database_unavailable'],
      handler: async ({ params: { id }, query: { reason }, ...change }) => {
        const row = await whileDatabaseAvailable(() =>
          db.transaction(async (sql) => {
            const { tenantId, jobId } = await openLetter(sql, { id }, change);
            const how = { status: 'discarded', by: change.actor.principal.subject, reason } as const;
            const resolved = await resolveDeadLetter(sql, id, how);
            if (resolved === null) throw new Error(`the dead letter ${id} changed under its lock`);
            await insertAudit(sql, [
              auditEntry(change, {
                ...{ action: 'dead-letter.discard', resource: 'dead-letter', resourceId: id, tenantId },
                before: { status: 'open', jobId },
                after: { status: 'discarded', reason },
              }),
            ]);
            return resolved;
          }),
        );
        return { status: 200, body: { deadLetter: resourceOf(row) } };
      },
    }),
  ];
}

function resourceOf(row: DeadLetterRow): DeadLetterResource {
  const { payload: _, payloadVersion: __, attemptLog: ___, timeoutMs: ____, ...shown } = row;
  return {
    ...shown,
    queue: queueNameSchema.parse(row.queue),
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
  };
}
