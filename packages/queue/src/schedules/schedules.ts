import {
  type CreateSchedule,
  contractOf,
  type FieldProblem,
  type JobResource,
  type PatchSchedule,
  type ScheduleFireResource,
  type SchedulePreview,
  type ScheduleResource,
  upgradePayload,
} from '@queue-service/contracts';
import type { Logger } from '@queue-service/observability';
import {
  deleteSchedule,
  findSchedule,
  insertFires,
  insertSchedule,
  listFires,
  listSchedules,
  lockSchedule,
  moveSchedules,
  type OwedFire,
  type ScheduleListFilter,
  type ScheduleRow,
  type ScheduleWrite,
  type Sql,
  updateSchedule,
} from '@queue-service/persistence';
import { whileDatabaseAvailable } from '../database-availability.ts';
import { newId } from '../ids.ts';
import { type Page, type PageRequest, pageOf } from '../page.ts';
import type { Connections } from '../redis/connections.ts';
import { type CheckedSchedule, checkSchedule } from './check-schedule.ts';
import { decideFires, owedFire } from './decide-fires.ts';
import { jitterOf } from './jitter.ts';
import { type LaunchParts, launchFires } from './launch-fires.ts';
import { fireResource, scheduleResource } from './schedule-resource.ts';
import { fires, nextFire } from './timing.ts';

export interface ScheduleParts extends LaunchParts {
  connections: Connections;
  log: Logger;
}

export type ScheduleSave =
  | { outcome: 'saved'; schedule: ScheduleResource }
  | { outcome: 'invalid'; problems: FieldProblem[] }
  | { outcome: 'name_taken' };

export type SchedulePatch =
  | ScheduleSave
  | { outcome: 'not_found' }
  /** It was changed since; `version` is the present one. */
  | { outcome: 'stale'; version: number };

/** Writes, in the transaction of a change, who did it. Not called when nothing is changed. */
export type ScheduleNote = (
  sql: Sql,
  schedule: ScheduleResource,
  states: { before?: ScheduleResource; after?: ScheduleResource | ScheduleFireResource },
) => Promise<void>;

/**
 * Schedules as their users see them. Everywhere `tenantId` null sees all; somebody else's schedule is not found.
 * All throw DatabaseUnavailableError.
 */
export interface Schedules {
  create(
    input: CreateSchedule,
    owner: { tenantId: string; createdBy: string | null },
    note?: ScheduleNote,
  ): Promise<ScheduleSave>;
  /** Newest first. */
  list(
    filter: Omit<ScheduleListFilter, 'tenantId'>,
    tenantId: string | null,
    page: PageRequest,
  ): Promise<Page<ScheduleResource>>;
  find(id: string, tenantId: string | null): Promise<ScheduleResource | null>;
  /** Times that came due before are decided by the schedule as it was; later ones by the schedule as it is then. */
  patch(id: string, tenantId: string | null, changes: PatchSchedule, note?: ScheduleNote): Promise<SchedulePatch>;
  /** With its fires; jobs that are made stay. */
  remove(id: string, tenantId: string | null, note?: ScheduleNote): Promise<boolean>;
  /**
   * Fires now, whatever the overlap policy and also while paused. `job` is null while the queue cannot take it: the fire
   * is recorded, and the scheduler hands it over later.
   */
  run(
    id: string,
    tenantId: string | null,
    note?: ScheduleNote,
  ): Promise<{ fire: ScheduleFireResource; job: JobResource | null } | null>;
  /** The next fires, also of a paused schedule, as if it were resumed. */
  preview(
    id: string,
    tenantId: string | null,
    options: { count: number; from?: Date },
  ): Promise<SchedulePreview | null>;
  /** The latest first. In a position, `createdAt` is the time of the fire. */
  fires(id: string, tenantId: string | null, page: PageRequest): Promise<Page<ScheduleFireResource> | null>;
}

/** @param parts a `Runtime` has all but the log */
export function createSchedules(parts: ScheduleParts): Schedules {
  const { db, now } = parts;
  const available = whileDatabaseAvailable;

  const writeOf = (checked: CheckedSchedule, anchor: Date, at: Date): ScheduleWrite => {
    const { type, data, ...rest } = checked;
    const contract = contractOf(type);
    return {
      ...rest,
      payload: parts.sealer.seal(data, contract.personalData),
      payloadVersion: contract.version,
      nextRun: checked.active ? nextFire({ ...checked, anchor }, at) : null,
    };
  };

  const stateOf = async (sql: Sql, id: string): Promise<ScheduleResource> => {
    const row = await findSchedule(sql, id, null);
    if (row === null) throw new Error(`schedule ${id} is gone`);
    return scheduleResource(row);
  };

  const fireAt = async (sql: Sql, id: string, at: Date): Promise<ScheduleFireResource> => {
    const [row] = await listFires(sql, id, new Date(at.getTime() + 1), 1);
    if (row === undefined) throw new Error(`the fire of schedule ${id} is gone`);
    return fireResource(row);
  };

  return {
    create: (input, owner, note = unnoted) =>
      available(async () => {
        const at = now();
        const checked = checkSchedule(input, at);
        if (!checked.ok) return { outcome: 'invalid', problems: checked.problems };
        const { type } = checked.schedule;
        const id = newId();
        const made = { ...owner, id, type, queue: contractOf(type).queue, createdAt: at };
        return db.transaction(async (sql): Promise<ScheduleSave> => {
          const stored = await insertSchedule(sql, { ...writeOf(checked.schedule, at, at), ...made });
          if (!stored) return { outcome: 'name_taken' };
          const schedule = await stateOf(sql, id);
          await note(sql, schedule, { after: schedule });
          return { outcome: 'saved', schedule };
        });
      }),

    list: (filter, tenantId, page) =>
      available(async () =>
        pageOf(
          await listSchedules(db, { ...filter, tenantId }, page.after, page.limit + 1),
          page.limit,
          scheduleResource,
        ),
      ),

    find: (id, tenantId) =>
      available(async () => {
        const row = await findSchedule(db, id, tenantId);
        return row === null ? null : scheduleResource(row);
      }),

    patch: (id, tenantId, changes, note = unnoted) =>
      available(async () => {
        const { version, ...fields } = changes;
        let owed: OwedFire[] = [];
        const answer = await db
          .transaction(async (sql): Promise<SchedulePatch> => {
            const row = await lockSchedule(sql, id, tenantId);
            if (row === null) return { outcome: 'not_found' };
            if (version !== undefined && version !== row.version) return { outcome: 'stale', version: row.version };
            const at = now();
            const input = { ...inputOf(row, parts.sealer), ...given(fields) };
            const checked = checkSchedule(input, at, { mustFire: timingFields.some((field) => field in changes) });
            if (!checked.ok) return { outcome: 'invalid', problems: checked.problems };
            const before = await stateOf(sql, id);
            if (row.active && row.nextRun !== null && row.nextRun <= at) {
              const decision = await decideFires(sql, parts, [{ ...row, nextRun: row.nextRun }], at);
              owed = decision.owed;
            }
            if (!(await updateSchedule(sql, id, writeOf(checked.schedule, row.createdAt, at), at)))
              throw new NameTaken();
            const schedule = await stateOf(sql, id);
            await note(sql, schedule, { before, after: schedule });
            return { outcome: 'saved', schedule };
          })
          .catch((error: unknown): SchedulePatch => {
            if (!(error instanceof NameTaken) && (error as { code?: unknown }).code !== uniqueViolation) throw error;
            owed = [];
            return { outcome: 'name_taken' };
          });
        await launchFires(parts, owed);
        return answer;
      }),

    remove: (id, tenantId, note = unnoted) =>
      available(() =>
        db.transaction(async (sql) => {
          if ((await lockSchedule(sql, id, tenantId)) === null) return false;
          const before = await stateOf(sql, id);
          await deleteSchedule(sql, id, tenantId);
          await note(sql, before, { before });
          return true;
        }),
      ),

    run: (id, tenantId, note = unnoted) =>
      available(async () => {
        const fire = await db.transaction(async (sql) => {
          const row = await lockSchedule(sql, id, tenantId);
          if (row === null) return null;
          const run = await recordRun(sql, row, now());
          await note(sql, await stateOf(sql, id), { after: await fireAt(sql, id, run.fireAt) });
          return run;
        });
        if (fire === null) return null;
        const [launched] = await launchFires(parts, [fire]);
        return { fire: await fireAt(db, id, fire.fireAt), job: launched?.job ?? null };
      }),

    preview: (id, tenantId, { count, from }) =>
      available(async () => {
        const row = await findSchedule(db, id, tenantId);
        if (row === null) return null;
        const times: SchedulePreview['fires'] = [];
        for (const fireAt of fires({ ...row, anchor: row.createdAt }, from ?? now())) {
          const runAt = new Date(fireAt.getTime() + jitterOf(id, fireAt, row.jitterMs));
          times.push({ fireAt: fireAt.toISOString(), runAt: runAt.toISOString() });
          if (times.length === count) break;
        }
        return { fires: times };
      }),

    fires: (id, tenantId, page) =>
      available(async () => {
        if ((await findSchedule(db, id, tenantId)) === null) return null;
        const before = page.after === null ? null : new Date(page.after.createdAt);
        const rows = await listFires(db, id, before, page.limit + 1);
        const paged = pageOf(
          rows.map((row) => ({ id, createdAt: row.fireAt, row })),
          page.limit,
          ({ row }) => fireResource(row),
        );
        return paged;
      }),
  };
}

/** What a change must leave times for. A schedule that has ended may still be renamed. */
const timingFields = ['cron', 'everyMs', 'timezone', 'startsAt', 'endsAt'] as const;

/** Without what was not given. */
function given<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

const unnoted: ScheduleNote = async () => {};

class NameTaken extends Error {}
const uniqueViolation = '23505';

/** A stored schedule as it would be posted, for checking a change as a whole. */
function inputOf(row: ScheduleRow, sealer: LaunchParts['sealer']): CreateSchedule {
  const { name, type, cron, everyMs, timezone, active, overlap, catchUp, catchUpWindowMs, jitterMs, options } = row;
  const known = type as CheckedSchedule['type'];
  const payload = sealer.open(row.payload, contractOf(known).personalData) as Record<string, unknown>;
  return {
    ...{ name, type, cron, everyMs, timezone, active, overlap, catchUp, catchUpWindowMs, jitterMs, options },
    data: upgradePayload(known, row.payloadVersion, payload),
    startsAt: row.startsAt?.toISOString() ?? null,
    endsAt: row.endsAt?.toISOString() ?? null,
  };
}

/** Records a fire by hand, at a millisecond that no regular fire has: theirs would otherwise not happen. */
async function recordRun(sql: Sql, row: ScheduleRow, at: Date): Promise<OwedFire> {
  const timing = { ...row, anchor: row.createdAt };
  for (let fireAt = at; ; fireAt = new Date(fireAt.getTime() + 1)) {
    if (nextFire(timing, new Date(fireAt.getTime() - 1))?.getTime() === fireAt.getTime()) continue;
    const jobId = newId();
    const fire = { scheduleId: row.id, fireAt, status: 'due' as const, jobId, reason: 'run by hand', createdAt: at };
    if ((await insertFires(sql, [fire])).length === 0) continue;
    await moveSchedules(sql, [{ id: row.id, nextRun: row.nextRun, lastRun: fireAt, lastJobId: jobId }]);
    // By hand means now: no jitter.
    return { ...owedFire(row, fireAt, jobId), jitterMs: 0 };
  }
}
