import type { Sql } from '../../packages/persistence/src/index.ts';

/** One change of hands of a money job, as the database itself saw it. */
export interface WitnessedMove {
  jobId: string;
  /** The process whose connection did it; null for one that is not of the cluster. */
  who: string | null;
  fencing: number;
  from: string | null;
  to: string;
}

/**
 * An observer that the service knows nothing of: a trigger that notes which process took, returned and ended each job.
 * What a process believes of itself is no evidence; what its connection did is.
 */
export async function installWitness(sql: Sql): Promise<void> {
  for (const statement of [
    `CREATE SCHEMA chaos`,
    `CREATE TABLE chaos.moves (seq bigserial PRIMARY KEY, job_id uuid NOT NULL, who text, fencing bigint NOT NULL,
       was text, became text NOT NULL)`,
    `CREATE FUNCTION chaos.note() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       IF TG_OP = 'INSERT' OR OLD.fencing <> NEW.fencing OR OLD.status <> NEW.status THEN
         INSERT INTO chaos.moves (job_id, who, fencing, was, became)
         VALUES (NEW.id, nullif(current_setting('chaos.who', true), ''), NEW.fencing,
           CASE WHEN TG_OP = 'UPDATE' THEN OLD.status END, NEW.status);
       END IF;
       RETURN NULL;
     END $$`,
    `CREATE TRIGGER chaos_witness AFTER INSERT OR UPDATE ON critical_jobs FOR EACH ROW EXECUTE FUNCTION chaos.note()`,
  ]) {
    await sql.query('', statement);
  }
}

export async function readWitness(sql: Sql): Promise<WitnessedMove[]> {
  return sql.query(
    '',
    `SELECT job_id AS "jobId", who, fencing::int AS fencing, was AS "from", became AS "to" FROM chaos.moves ORDER BY seq`,
  );
}
