import { type Contest, compare, perSecond } from '../bench.ts';
import { measure } from '../contestant.ts';

export const money: Contest = {
  name: 'money',
  run: async (bench) => {
    const jobs = bench.size(5_000);
    const work = (name: string) => async () =>
      perSecond(await measure(name, { ...(await bench.settings()), jobs, warm: Math.ceil(jobs / 4), concurrency: 50 }));
    return [
      await compare(bench, {
        name: 'money end to end',
        ...{ unit: 'jobs/s', against: ['graphile-worker', 'pg-boss'], bar: { atLeast: 1 } },
        contestants: {
          ours: work('money-ours'),
          'graphile-worker': work('money-graphile'),
          'pg-boss': work('money-pgboss'),
        },
        note: 'accepted, claimed, effect intended and confirmed on a fake in the process, ended; the others do the same durable writes',
      }),
    ];
  },
};
