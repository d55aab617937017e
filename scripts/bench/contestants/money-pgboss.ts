// The same durable writes by hand on pg-boss: job, intended effect, confirmed effect, end.
import pg from 'pg';
import { PgBoss } from 'pg-boss';
import { report, settings, timed } from '../contestant.ts';
import { effectOf, prepareEffects } from '../effects-by-hand.ts';

const { databaseUrl = '', jobs = '0', concurrency = '1' } = settings();
const pool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
await prepareEffects(pool);
const boss = new PgBoss({ connectionString: databaseUrl, max: 20 });
await boss.start();
await boss.createQueue('charge');
let done = 0;
let finished: (count: number) => void = () => {};
const batchSize = Number(concurrency);
await boss.work<{ id: string }>('charge', { batchSize, pollingIntervalSeconds: 0.5 }, async (batch) => {
  await Promise.all(batch.map((job) => effectOf(pool, job.data.id)));
  done += batch.length;
  if (done >= Number(jobs)) finished(done);
});
report(
  await timed(async () => {
    const all = new Promise<number>((resolve) => {
      finished = resolve;
    });
    const batches = Array.from({ length: Math.ceil(Number(jobs) / 100) }, () =>
      boss.insert(
        'charge',
        Array.from({ length: 100 }, () => ({ data: { id: crypto.randomUUID(), amount: 4_900 } })),
      ),
    );
    await Promise.all(batches);
    const count = await all;
    for (let left = 1; left > 0; )
      left = (await pool.query(`SELECT count(*)::int AS left FROM pgboss.job WHERE state < 'completed'`)).rows[0].left;
    return count;
  }),
);
process.exit(0);
