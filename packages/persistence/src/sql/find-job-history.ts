import type { Sql } from '../database.ts';
import type { AttemptRecord } from './critical-job-row.ts';
import type { EffectStatus } from './effects.ts';

/** What the ledger knows of a money job besides what every job shows. */
export interface CriticalJobHistory {
  attemptLog: AttemptRecord[];
  fencing: number;
  crashes: number;
  leasedBy: string | null;
  leaseUntil: Date | null;
  runAt: Date;
  dispatchedAt: Date | null;
  cancelRequestedAt: Date | null;
}

export async function findCriticalJobHistory(sql: Sql, id: string): Promise<CriticalJobHistory | null> {
  const [row] = await sql.query<CriticalJobHistory>(
    'find-critical-job-history',
    `SELECT attempt_log AS "attemptLog", fencing::float8, crashes, leased_by AS "leasedBy", lease_until AS "leaseUntil",
       run_at AS "runAt", dispatched_at AS "dispatchedAt", cancel_requested_at AS "cancelRequestedAt"
     FROM critical_jobs WHERE id = $1::uuid`,
    [id],
  );
  return row ?? null;
}

/** An effect as people see it: without what was sent and answered, which may hold personal data. */
export interface ShownEffect {
  id: string;
  name: string;
  origin: string;
  provider: string;
  operation: string;
  status: EffectStatus;
  generation: number;
  providerId: string | null;
  code: string | null;
  message: string | null;
  amount: number | null;
  currency: string | null;
  sends: number;
  firstAttemptAt: Date | null;
  lastAttemptAt: Date | null;
  settledAt: Date | null;
  createdAt: Date;
}

/** The earliest first. */
export async function listEffectsOfJob(sql: Sql, jobId: string): Promise<ShownEffect[]> {
  return sql.query(
    'list-effects-of-job',
    `SELECT id, name, origin, provider, operation, status, generation, provider_id AS "providerId", code, message, amount::float8,
       currency, sends, first_attempt_at AS "firstAttemptAt", last_attempt_at AS "lastAttemptAt", settled_at AS "settledAt",
       created_at AS "createdAt"
     FROM effects WHERE job_id = $1::uuid ORDER BY created_at, name`,
    [jobId],
  );
}
