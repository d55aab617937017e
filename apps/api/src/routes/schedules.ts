import {
  createScheduleSchema,
  pageQuerySchema,
  patchScheduleSchema,
  type ScheduleResource,
  scheduleAnswerSchema,
  scheduleFireListSchema,
  scheduleListQuerySchema,
  scheduleListSchema,
  schedulePreviewQuerySchema,
  schedulePreviewSchema,
  scheduleRunAnswerSchema,
} from '@queue-service/contracts';
import { insertAudit } from '@queue-service/persistence';
import type { ScheduleNote, SchedulePatch, Schedules } from '@queue-service/queue';
import { z } from 'zod';
import { auditEntry, type Change } from '../audit.ts';
import { requireMayPost } from '../auth/may-post.ts';
import { nextCursor, pageRequest } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { BASE_PATH, jsonBody, type Route, route } from '../http/route.ts';

const params = z.object({ id: z.uuid() });

export function scheduleRoutes(schedules: Schedules): Route[] {
  const find = async (id: string, { actor }: Change) => {
    const schedule = await schedules.find(id, actor.scope);
    if (schedule === null) throw new Problem('not_found');
    return schedule;
  };

  return [
    route({
      method: 'post',
      path: '/schedules',
      access: 'venue',
      summary: 'Make a job again and again',
      body: jsonBody(createScheduleSchema),
      answers: { 201: scheduleAnswerSchema },
      problems: ['conflict', 'database_unavailable'],
      handler: async ({ body, ...change }) => {
        const { tenantId, principal } = change.actor;
        requireMayPost(change.actor, [{ ...body, path: 'type' }]);
        const owner = { tenantId, createdBy: principal.subject };
        const schedule = saved(await schedules.create(body, owner, audited(change, 'create')));
        const headers = { Location: `${BASE_PATH}/schedules/${schedule.id}` };
        return { status: 201, body: { schedule }, headers };
      },
    }),

    route({
      method: 'get',
      path: '/schedules',
      access: 'venue',
      summary: 'List schedules, newest first',
      query: scheduleListQuerySchema,
      answers: { 200: scheduleListSchema },
      problems: ['invalid_cursor', 'database_unavailable'],
      handler: async ({ query: { limit, cursor, ...filter }, actor }) => {
        const page = await schedules.list(filter, actor.scope, pageRequest({ limit, cursor }));
        return { status: 200, body: { schedules: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),

    route({
      method: 'get',
      path: '/schedules/:id',
      access: 'venue',
      summary: 'One schedule',
      params,
      answers: { 200: scheduleAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => ({
        status: 200,
        body: { schedule: await find(id, change) },
      }),
    }),

    route({
      method: 'patch',
      path: '/schedules/:id',
      access: 'venue',
      summary: 'Change, pause or resume a schedule',
      params,
      body: jsonBody(patchScheduleSchema),
      answers: { 200: scheduleAnswerSchema },
      problems: ['not_found', 'conflict', 'database_unavailable'],
      handler: async ({ params: { id }, body, ...change }) => {
        const before = await find(id, change);
        const poster = { ...change.actor, tenantId: before.tenantId };
        if (body.data !== undefined) requireMayPost(poster, [{ type: before.type, data: body.data, path: 'data' }]);
        const schedule = saved(await schedules.patch(id, change.actor.scope, body, audited(change, 'update')));
        return { status: 200, body: { schedule } };
      },
    }),

    route({
      method: 'delete',
      path: '/schedules/:id',
      access: 'venue',
      summary: 'Remove a schedule; jobs that it made stay',
      params,
      answers: { 204: null },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => {
        const removed = await schedules.remove(id, change.actor.scope, audited(change, 'delete'));
        if (!removed) throw new Problem('not_found');
        return { status: 204, body: undefined };
      },
    }),

    route({
      method: 'post',
      path: '/schedules/:id/run',
      access: 'venue',
      summary: 'Fire a schedule now, also while it is paused',
      params,
      answers: { 202: scheduleRunAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => {
        const run = await schedules.run(id, change.actor.scope, audited(change, 'run'));
        if (run === null) throw new Problem('not_found');
        return { status: 202, body: run };
      },
    }),

    route({
      method: 'get',
      path: '/schedules/:id/preview',
      access: 'venue',
      summary: 'The next times of a schedule, also of a paused one',
      params,
      query: schedulePreviewQuerySchema,
      answers: { 200: schedulePreviewSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params: { id }, query: { count, from }, actor }) => {
        const since = from === undefined ? {} : { from: new Date(from) };
        const preview = await schedules.preview(id, actor.scope, { count, ...since });
        if (preview === null) throw new Problem('not_found');
        return { status: 200, body: preview };
      },
    }),

    route({
      method: 'get',
      path: '/schedules/:id/fires',
      access: 'venue',
      summary: 'What became of the times of a schedule, the latest first',
      params,
      query: pageQuerySchema,
      answers: { 200: scheduleFireListSchema },
      problems: ['invalid_cursor', 'not_found', 'database_unavailable'],
      handler: async ({ params: { id }, query, actor }) => {
        const page = await schedules.fires(id, actor.scope, pageRequest(query));
        if (page === null) throw new Problem('not_found');
        return { status: 200, body: { fires: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),
  ];
}

function audited(change: Change, action: string): ScheduleNote {
  return (sql, { id, tenantId }, states) => {
    const what = { action: `schedule.${action}`, resource: 'schedule', resourceId: id, tenantId };
    return insertAudit(sql, [auditEntry(change, { ...what, ...states })]);
  };
}

function saved(outcome: SchedulePatch): ScheduleResource {
  switch (outcome.outcome) {
    case 'saved':
      return outcome.schedule;
    case 'invalid':
      throw new Problem('validation_failed', { errors: outcome.problems });
    case 'name_taken':
      throw new Problem('conflict', { detail: 'Another schedule of the tenant has this name' });
    case 'stale':
      throw new Problem('conflict', { detail: `It was changed since; its version is ${outcome.version}` });
    case 'not_found':
      throw new Problem('not_found');
  }
}
