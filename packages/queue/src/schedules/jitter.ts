import { createHash } from 'node:crypto';

/**
 * How much later than its time the job of a fire starts, in milliseconds, from 0 up to `jitterMs`. The same for the same
 * fire wherever it is asked: a fire that is handed over again after a crash must be the same request.
 */
export function jitterOf(scheduleId: string, fireAt: Date, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  const digest = createHash('sha256').update(`${scheduleId} ${fireAt.getTime()}`).digest();
  return Math.floor((digest.readUInt32BE(0) / 2 ** 32) * (jitterMs + 1));
}
