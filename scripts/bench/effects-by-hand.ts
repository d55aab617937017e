import type pg from 'pg';

/** What a careful user of another queue would keep of each charge, as exactly-once effects need it. */
export async function prepareEffects(pool: pg.Pool): Promise<void> {
  await pool.query(
    `CREATE TABLE IF NOT EXISTS bench_effects (id uuid PRIMARY KEY, status text NOT NULL, request jsonb NOT NULL,
       provider_id text, created_at timestamptz NOT NULL DEFAULT now(), settled_at timestamptz)`,
  );
}

/** Commits the intent, asks a fake that answers at once, commits the outcome. */
export async function effectOf(pool: pg.Pool, id: string): Promise<void> {
  await pool.query({
    name: 'intend',
    text: `INSERT INTO bench_effects (id, status, request) VALUES ($1, 'intended', $2)`,
    values: [id, { amount: 4_900 }],
  });
  await pool.query({
    name: 'settle',
    text: `UPDATE bench_effects SET status = 'confirmed', provider_id = 'ch_1', settled_at = now() WHERE id = $1`,
    values: [id],
  });
}
