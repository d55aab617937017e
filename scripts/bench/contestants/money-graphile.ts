// The same durable writes by hand on graphile-worker: job, intended effect, confirmed effect, end.
import { makeWorkerUtils, run } from 'graphile-worker';
import pg from 'pg';
import { report, settings, timed } from '../contestant.ts';
import { effectOf, prepareEffects } from '../effects-by-hand.ts';

const { databaseUrl = '', jobs = '0', concurrency = '1' } = settings();
const pgPool = new pg.Pool({ connectionString: databaseUrl, max: 20 });
await prepareEffects(pgPool);
const utils = await makeWorkerUtils({ pgPool });
await utils.migrate();
let done = 0;
let finished: (count: number) => void = () => {};
const runner = await run({
  ...{ pgPool, concurrency: Number(concurrency), noHandleSignals: true, pollInterval: 100 },
  taskList: {
    charge: async (payload) => {
      await effectOf(pgPool, (payload as { id: string }).id);
      done += 1;
      if (done === Number(jobs)) finished(done);
    },
  },
});
report(
  await timed(async () => {
    const all = new Promise<number>((resolve) => {
      finished = resolve;
    });
    const batches = Array.from({ length: Math.ceil(Number(jobs) / 100) }, () =>
      utils.addJobs(
        Array.from({ length: 100 }, () => ({
          identifier: 'charge',
          payload: { id: crypto.randomUUID(), amount: 4_900 },
        })),
      ),
    );
    await Promise.all(batches);
    const count = await all;
    for (let left = 1; left > 0; )
      left = (await pgPool.query('SELECT count(*)::int AS left FROM graphile_worker.jobs')).rows[0].left;
    return count;
  }),
);
await runner.stop();
process.exit(0);
