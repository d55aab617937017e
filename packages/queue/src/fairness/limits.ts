import { type Database, readTenantLimits, type TenantLimits, tenantLimitsRevision } from '@queue-service/persistence';
import type { QueueConnection } from '../redis/connections.ts';

/** The limits of the tenants that have any, as of a revision of the table. */
export interface KnownLimits {
  revision: number;
  of: ReadonlyMap<string, TenantLimits>;
}

export function isCapped(limits: TenantLimits | undefined): boolean {
  return limits !== undefined && (limits.maxRunning !== null || limits.maxPerSecond !== null);
}

/** Whether the table is still as it was. */
export async function isCurrent(db: Database, known: KnownLimits | null): Promise<boolean> {
  return known !== null && (await tenantLimitsRevision(db)) === known.revision;
}

export async function readLimits(db: Database): Promise<KnownLimits> {
  const { revision, limits } = await readTenantLimits(db);
  return { revision, of: new Map(limits.map((one) => [one.tenantId, one])) };
}

/**
 * Puts limits where the scripts look for them. All of them, so that it also repairs: after a Redis that forgot, after a
 * process that died in between.
 */
export async function publishLimits({ redis, queue }: QueueConnection, known: KnownLimits): Promise<void> {
  const key = queue.toKey('fair:limits');
  const change = redis.multi().del(key);
  const fields = [...known.of.values()].flatMap((one) => [one.tenantId, textOf(one)]);
  for (let from = 0; from < fields.length; from += 2_000) change.hset(key, ...fields.slice(from, from + 2_000));
  await change.set(queue.toKey('fair:revision'), known.revision).exec();
}

/** As the scripts read it. */
function textOf({ weight, maxRunning, maxPerSecond }: TenantLimits): string {
  return `${weight} ${maxRunning ?? '-'} ${maxPerSecond ?? '-'}`;
}
