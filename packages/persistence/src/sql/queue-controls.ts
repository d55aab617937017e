import type { Sql } from '../database.ts';

/** What operators have switched of one queue. */
export interface QueueControl {
  name: string;
  paused: boolean;
  pausedAt: Date | null;
  pausedBy: string | null;
}

const columns = `q.name, q.paused, q.paused_at AS "pausedAt", q.paused_by AS "pausedBy"`;

/** A queue that was never switched has no row. */
export async function listQueueControls(sql: Sql): Promise<QueueControl[]> {
  return sql.query('list-queue-controls', `SELECT ${columns} FROM queues q ORDER BY q.name`);
}

/** Says that the queue is paused by somebody, or (null) that it runs. Who paused it first stays named. */
export async function setQueuePaused(
  sql: Sql,
  queue: { name: string; tier: number },
  pausedBy: string | null,
): Promise<QueueControl> {
  const [row] = await sql.query<QueueControl>(
    'set-queue-paused',
    `INSERT INTO queues AS q (name, tier, paused, paused_at, paused_by)
     VALUES ($1, $2, $3::text IS NOT NULL, CASE WHEN $3::text IS NULL THEN NULL ELSE now() END, $3)
     ON CONFLICT (name) DO UPDATE SET paused = EXCLUDED.paused, updated_at = now(),
       paused_at = CASE WHEN q.paused AND EXCLUDED.paused THEN q.paused_at ELSE EXCLUDED.paused_at END,
       paused_by = CASE WHEN q.paused AND EXCLUDED.paused THEN q.paused_by ELSE EXCLUDED.paused_by END
     RETURNING ${columns}`,
    [queue.name, queue.tier, pausedBy],
  );
  if (row === undefined) throw new Error(`the queue ${queue.name} was not written`);
  return row;
}
