import { sign } from '../../../apps/api/src/testing/tokens.ts';
import { type Bench, byCpu, type Contest, compare, perSecond } from '../bench.ts';
import { measure, type Settings, serve } from '../contestant.ts';
import { payloads } from '../ours.ts';

/** What a job costs each process that has to do with its acceptance, in microseconds of CPU. */
export interface Accepted {
  perSecond: number;
  appMicros: number;
  redisMicros: number;
  postgresMicros: number;
}

/** Load is made by a process of its own, 64 connections (8 for batches of 100); the first two seconds warm up. */
export async function acceptOver(
  bench: Bench,
  mode: string,
  queue: keyof typeof payloads,
  batchOf = 1,
  more: Settings = {},
): Promise<Accepted> {
  const app = await serve('accept', { ...(await bench.settings()), ...more, mode });
  try {
    const token = await sign({ sub: 'bench', roles: ['admin'], tenantId: 'tenant-1' });
    const job = { queue, ...payloads[queue] };
    const body = JSON.stringify(batchOf === 1 ? job : { jobs: Array.from({ length: batchOf }, () => job) });
    const url = `${app.url}/api/v1/queue/jobs${batchOf === 1 ? '' : '/batch'}`;
    const load = { url, body, token, connections: batchOf === 1 ? 64 : 8 };
    await measure('load', { ...load, seconds: bench.quick ? 1 : 2 });
    app.begin();
    const before = await bench.stores.cpu();
    const made = await measure('load', { ...load, seconds: Math.max(1, bench.size(4)) });
    const after = await bench.stores.cpu();
    const { cpuSeconds } = await app.stop();
    const jobs = made.count * batchOf;
    return {
      perSecond: perSecond(made) * batchOf,
      appMicros: (cpuSeconds / jobs) * 1e6,
      redisMicros: ((after.redis - before.redis) / jobs) * 1e6,
      postgresMicros: ((after.postgres - before.postgres) / jobs) * 1e6,
    };
  } catch (error) {
    await app.stop().catch(() => {});
    throw error;
  }
}

/** One job a request, against the same app that enqueues nothing. */
export const accept: Contest = {
  name: 'accept',
  run: async (bench) => {
    const lines = [];
    for (const [queue, atLeast] of [
      ['communication', 0.85],
      ['money', 0.7],
    ] as const) {
      const modes = ['ours', 'nothing', 'bare add', 'ours, rate limits on'];
      const cpu: Record<string, number[]> = Object.fromEntries(modes.map((mode) => [mode, []]));
      const over = (mode: string) => async () => {
        const accepted = await acceptOver(bench, mode, queue);
        cpu[mode]?.push(1e6 / accepted.appMicros);
        return accepted.perSecond;
      };
      const line = await compare(bench, {
        name: `accept over HTTP, ${queue}`,
        ...{ unit: 'jobs/s', against: ['nothing'], bar: { atLeast } },
        contestants: Object.fromEntries(modes.map((mode) => [mode, over(mode)])),
        note: '64 connections, one job a request, against the same app that enqueues nothing; load, app and servers share the cores',
      });
      lines.push(line, byCpu(line, cpu, ['nothing']));
    }
    return lines;
  },
};

/** Batches of 100, by the CPU of the process that takes them. */
export const batch: Contest = {
  name: 'batch',
  run: async (bench) => {
    const over = (mode: string) => async () => 1e6 / (await acceptOver(bench, mode, 'communication', 100)).appMicros;
    const direct = (engine: string) => async () => {
      const added = await measure('add', {
        ...(await bench.settings()),
        engine,
        jobs: bench.size(30_000),
        warm: bench.size(10_000),
      });
      return added.count / added.cpuSeconds;
    };
    const cpu = 'jobs/s of CPU';
    return [
      await compare(bench, {
        name: 'batches of 100 over HTTP, communication',
        ...{ unit: cpu, against: ['bare addBulk'], bar: { atLeast: 0.9 } },
        contestants: { ours: over('ours'), 'bare addBulk': over('bare addBulk') },
        note: 'the same app, authentication and validation; behind it our producer or addBulk alone',
      }),
      await compare(bench, {
        name: 'batches of 100 without HTTP, communication',
        ...{ unit: cpu, against: ['bare addBulk'], bar: null },
        contestants: { ours: direct('ours'), 'bare addBulk': direct('bare') },
        note: 'our producer with sealing, envelopes and history, against addBulk alone',
      }),
    ];
  },
};
