import type { z } from 'zod';
import {
  type createScheduleSchema,
  type pageQuerySchema,
  type patchScheduleSchema,
  type ScheduleResource,
  scheduleAnswerSchema,
  scheduleFireListSchema,
  type scheduleListQuerySchema,
  scheduleListSchema,
  type schedulePreviewQuerySchema,
  schedulePreviewSchema,
  scheduleRunAnswerSchema,
} from '#contracts';
import type { RequestOptions } from './jobs.ts';
import { nothing, type Send } from './transport.ts';

/** Jobs that are made again and again; for admins and venue admins. All throw ProblemError. */
export interface Schedules {
  /** `conflict` when the name is taken. */
  create(schedule: z.input<typeof createScheduleSchema>, options?: RequestOptions): Promise<ScheduleResource>;
  /** A page, newest first. */
  list(
    query?: z.input<typeof scheduleListQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof scheduleListSchema>>;
  get(id: string, options?: RequestOptions): Promise<ScheduleResource>;
  /** Changes what is given; `active: false` pauses. With `version`, a change by somebody else is a `conflict`. */
  update(id: string, changes: z.input<typeof patchScheduleSchema>, options?: RequestOptions): Promise<ScheduleResource>;
  remove(id: string, options?: RequestOptions): Promise<void>;
  /** Fires it now, also while it is paused. */
  run(id: string, options?: RequestOptions): Promise<z.output<typeof scheduleRunAnswerSchema>>;
  /** Its next times. */
  preview(
    id: string,
    query?: z.input<typeof schedulePreviewQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof schedulePreviewSchema>>;
  /** What became of its times, newest first. */
  fires(
    id: string,
    query?: z.input<typeof pageQuerySchema>,
    options?: RequestOptions,
  ): Promise<z.output<typeof scheduleFireListSchema>>;
}

export function createSchedules(send: Send): Schedules {
  const path = '/schedules';
  const at = (id: string) => `${path}/${encodeURIComponent(id)}`;
  const answer = scheduleAnswerSchema;
  return {
    create: async (body, { signal } = {}) =>
      (await send({ method: 'POST', path, body, once: true, answer, signal })).schedule,
    list: (query, { signal } = {}) => send({ method: 'GET', path, query, answer: scheduleListSchema, signal }),
    get: async (id, { signal } = {}) => (await send({ method: 'GET', path: at(id), answer, signal })).schedule,
    update: async (id, body, { signal } = {}) =>
      (await send({ method: 'PATCH', path: at(id), body, answer, signal })).schedule,
    remove: (id, { signal } = {}) => send({ method: 'DELETE', path: at(id), once: true, answer: nothing, signal }),
    run: (id, { signal } = {}) =>
      send({ method: 'POST', path: `${at(id)}/run`, once: true, answer: scheduleRunAnswerSchema, signal }),
    fires: (id, query, { signal } = {}) =>
      send({ method: 'GET', path: `${at(id)}/fires`, query, answer: scheduleFireListSchema, signal }),
    preview: (id, query, { signal } = {}) =>
      send({ method: 'GET', path: `${at(id)}/preview`, query, answer: schedulePreviewSchema, signal }),
  };
}
