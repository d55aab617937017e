// The same durable writes by hand on pg-boss: job, intended effect, confirmed effect, end.
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { report, settings, timed } from '../contestant.ts';
import { effectOf, prepareEffects } from '../effects-by-hand.ts';

const { databaseUrl = '', jobs = '0', warm = '0', concurrency = '1' } = settings();
const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
await prepareEffects(pool);
const boss = new PgBoss({ connectionString: databaseUrl, max: 20 });
await boss.start();
await boss.createQueue('charge');
// It pauses between two batches: several loops hide that, as its documentation advises.
for (let loop = 0; loop < 4; loop += 1) {
  await boss.work<{ id: string }>(
    'charge',
    { batchSize: Number(concurrency), pollingIntervalSeconds: 0.5 },
    async (batch) => {
      await Promise.all(batch.map((job) => effectOf(pool, job.data.id)));
    },
  );
}
const spec = () => ({ data: { id: crypto.randomUUID(), amount: 4_900 } });
const all = async (count: number) => {
  await Promise.all(
    Array.from({ length: Math.ceil(count / 100) }, () => boss.insert('charge', Array.from({ length: 100 }, spec))),
  );
  const text = `SELECT count(*)::int AS left FROM pgboss.job WHERE name = 'charge' AND state < 'completed'`;
  while ((await pool.query(text)).rows[0].left > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return count;
};
await all(Number(warm));
report(await timed(() => all(Number(jobs))));
process.exit(0);
