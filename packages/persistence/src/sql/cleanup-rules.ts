import { contracts, type JobPayload, jobTypesOf } from '@queue-service/contracts';

/** What of PostgreSQL can be cleaned. */
export type CleanupTable = Exclude<JobPayload<'cleanup-old-data'>['target'], 'redis_finished'>;

/** Which rows of a table have outlived their retention. `t` is the table, `$1` the cutoff. */
export interface CleanupRule {
  /** The column by which rows age. Never younger than what `removable` looks at, so that its index bounds the search. */
  age: string;
  key: readonly { column: string; type: 'uuid' | 'text' | 'bigint' }[];
  /** Whose a row is; null where rows belong to nobody. */
  tenant: string | null;
  /** What makes a row removable besides its age. */
  removable: string;
  /** Rows of other tables that go with it, as statements on `victims v`. */
  with?: readonly string[];
}

const id = [{ column: 'id', type: 'uuid' }] as const;

/** How long the key of each money job guards against a second one. */
const windows = jobTypesOf('money')
  .map((type) => `('${type}', ${contracts[type].policy.idempotencyWindowMs})`)
  .join(', ');

export const cleanupRules: Readonly<Record<CleanupTable, CleanupRule>> = {
  jobs: { age: 'created_at', key: id, tenant: 't.tenant_id', removable: 't.finished_at < $1' },

  // A job goes when nothing can come of it any more: it has ended, its key guards nothing, no effect of it is open, nobody
  // is asked to redrive it, and no workflow counts on it. Effects go with their job and not otherwise.
  critical_jobs: {
    age: 'created_at',
    key: id,
    tenant: 't.tenant_id',
    removable: `t.finished_at < $1 AND t.status IN ('completed', 'failed', 'cancelled')
      AND (t.idempotency_key IS NULL OR t.idempotency_expires_at < clock_timestamp())
      AND NOT EXISTS (SELECT 1 FROM effects e WHERE e.job_id = t.id AND e.status IN ('sent', 'unknown', 'intended'))
      AND NOT EXISTS (SELECT 1 FROM dead_letters d WHERE d.job_id = t.id AND d.status = 'open')
      AND NOT EXISTS (SELECT 1 FROM flows f WHERE f.id = t.flow_id AND f.finished_at IS NULL)`,
    with: ['DELETE FROM effects e USING victims v WHERE e.job_id = v.id'],
  },

  // An open letter of a money job is money that somebody must look for.
  dead_letters: {
    age: 'created_at',
    key: id,
    tenant: 't.tenant_id',
    removable: `(t.status IN ('redriven', 'discarded') AND COALESCE(t.resolved_at, t.created_at) < $1
        OR t.status = 'open' AND t.queue <> 'money')
      AND NOT EXISTS (SELECT 1 FROM critical_jobs j WHERE j.id = t.job_id AND j.finished_at IS NULL)`,
  },

  // Its key guards all of its money jobs: without it the same request would start a second workflow, and pay twice.
  flows: {
    age: 'created_at',
    key: id,
    tenant: 't.tenant_id',
    removable: `t.finished_at < $1
      AND NOT EXISTS (SELECT 1 FROM critical_jobs j JOIN flow_steps s ON s.job_id = j.id OR s.compensation_job_id = j.id
        WHERE s.flow_id = t.id AND j.finished_at IS NULL)
      AND (t.idempotency_key IS NULL OR NOT EXISTS (
        SELECT 1 FROM flow_steps s JOIN (VALUES ${windows}) AS w(type, ms) ON w.type = s.type
        WHERE s.flow_id = t.id AND t.created_at + w.ms * interval '1 millisecond' > clock_timestamp()))`,
  },

  queue_metrics: {
    age: 'captured_at',
    key: [{ column: 'id', type: 'bigint' }],
    tenant: null,
    removable: 'true',
  },

  webhook_deliveries: {
    age: 'created_at',
    key: id,
    tenant: 't.tenant_id',
    removable: `t.status IN ('delivered', 'failed')`,
  },

  provider_events: {
    age: 'received_at',
    key: [
      { column: 'provider', type: 'text' },
      { column: 'event_id', type: 'text' },
    ],
    tenant: null,
    removable: 't.processed_at IS NOT NULL',
  },

  // What a tenant's people did is not theirs to erase.
  audit_log: { age: 'created_at', key: id, tenant: null, removable: 'true' },

  // The row stays and says that the file is gone.
  reports: { age: 'created_at', key: id, tenant: 't.tenant_id', removable: 't.deleted_at IS NULL' },

  // A fire that a catch-up can still look back to must stay, or it would happen a second time.
  schedule_fires: {
    age: 'fire_at',
    key: [{ column: 'schedule_id', type: 'uuid' }],
    tenant: '(SELECT s.tenant_id FROM schedules s WHERE s.id = t.schedule_id)',
    removable: `t.status NOT IN ('due', 'queued') AND t.fire_at + (SELECT s.catch_up_window_ms FROM schedules s WHERE s.id = t.schedule_id)
      * interval '1 millisecond' < clock_timestamp()`,
  },
};
