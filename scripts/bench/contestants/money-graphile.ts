// The same durable writes by hand on graphile-worker: job, intended effect, confirmed effect, end.
import { makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { report, settings, timed } from '../contestant.ts';
import { effectOf, prepareEffects } from '../effects-by-hand.ts';

const { databaseUrl = '', jobs = '0', warm = '0', concurrency = '1' } = settings();
const pgPool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
await prepareEffects(pgPool);
const utils = await makeWorkerUtils({ pgPool });
await utils.migrate();
await run({
  ...{ pgPool, concurrency: Number(concurrency), noHandleSignals: true, pollInterval: 100 },
  taskList: {
    charge: async (payload) => {
      await effectOf(pgPool, (payload as { id: string }).id);
    },
  },
});
const spec = () => ({ identifier: 'charge', payload: { id: crypto.randomUUID(), amount: 4_900 } });
const all = async (count: number) => {
  await Promise.all(
    Array.from({ length: Math.ceil(count / 100) }, () => utils.addJobs(Array.from({ length: 100 }, spec))),
  );
  const text = 'SELECT count(*)::int AS left FROM graphile_worker.jobs';
  while ((await pgPool.query(text)).rows[0].left > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return count;
};
await all(Number(warm));
report(await timed(() => all(Number(jobs))));
process.exit(0);
