import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RandomFaults } from '../../packages/sandbox/src/http/faults.ts';
import type { Cluster, Member } from './cluster.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

export interface FaultOptions {
  /** How long a server is away, in milliseconds. */
  outageMs: number;
  /** How long faults go on, in milliseconds. */
  forMs: number;
  /** The longest pause between two, in milliseconds. */
  pauseMs: number;
  /** Only these kinds of faults. Default: all. */
  kinds?: readonly string[];
  /** What Stripe does to requests that change something. */
  stripe?: RandomFaults['rates'];
}

const moodyStripe: RandomFaults['rates'] = {
  'reset-after-work': 0.04,
  'hang-after-work': 0.02,
  reset: 0.02,
  'error-after-work': { rate: 0.03, status: 500 },
  status: { rate: 0.03, status: 429 },
  delay: { rate: 0.1, ms: 400 },
};

export interface Faults {
  /** Until the time is over. */
  torment(): Promise<void>;
  /** Ends every fault and starts everything that does not run. */
  heal(): Promise<void>;
  /** When Redis lost its data, epoch milliseconds. */
  readonly dataLostAt: readonly number[];
}

/** Faults drawn by the seed. They end only processes of the cluster, which it started itself. */
export function createFaults(cluster: Cluster, random: Random, timeline: Timeline, options: FaultOptions): Faults {
  const dataLostAt: number[] = [];
  const { members, postgres, redis, providers } = cluster;
  const someone = () => random.pick(members);
  const later: Promise<unknown>[] = [];
  let serversBusy = false;

  /** For servers: one fault of them at a time, in the background, while processes go on falling. */
  const onServer = (whom: string, what: string, work: () => Promise<void>) => {
    if (serversBusy) return;
    serversBusy = true;
    const over = timeline.note(whom, what);
    later.push(
      work().finally(() => {
        serversBusy = false;
        over();
      }),
    );
  };
  const restartLater = (member: Member, over: () => void) => {
    later.push(
      sleep(500 + random.below(2_000)).then(() => {
        member.victim.start();
        over();
      }),
    );
  };

  const faults: Record<string, () => void> = {
    'kill -9': () => {
      const member = someone();
      member.victim.kill();
      restartLater(member, timeline.note(member.name, 'kill -9'));
    },
    'kill at a statement': () => {
      const member = someone();
      member.postgres.set({
        atMessage: 1 + random.below(60),
        when: random.pick(['before', 'after'] as const),
        spring: () => {
          member.victim.kill();
          restartLater(member, timeline.note(member.name, 'killed at a statement'));
        },
      });
    },
    'cut in mid-reply': () => {
      const member = someone();
      const server = random.pick(['postgres', 'redis'] as const);
      member[server].set({
        atMessage: 1 + random.below(60),
        when: random.pick(['before', 'after'] as const),
        spring: () => {
          member[server].cut();
          timeline.note(member.name, `cut from ${server} in mid-reply`);
        },
      });
    },
    slow: () => {
      const member = someone();
      const server = random.pick(['postgres', 'redis'] as const);
      member[server].slow(50 + random.below(400));
      const over = timeline.note(member.name, `slow ${server}`);
      later.push(
        sleep(1_000 + random.below(4_000)).then(() => {
          member[server].slow(0);
          over();
        }),
      );
    },
    freeze: () => {
      const member = someone();
      member.victim.freeze();
      const over = timeline.note(member.name, 'frozen');
      later.push(
        // Past the lease of ten seconds, and short of it.
        sleep(random.pick([3_000, 12_000])).then(() => {
          member.victim.thaw();
          over();
        }),
      );
    },
    'rolling deploy': () => {
      const app = someone().app;
      const over = timeline.note(app, 'rolling deploy');
      later.push(
        (async () => {
          for (const member of members.filter((candidate) => candidate.app === app)) {
            await member.victim.stop(20_000);
            member.victim.start();
          }
          over();
        })(),
      );
    },
    'Redis restart': () => onServer('redis', 'restart with its data', () => redis.restart()),
    'Redis restart without its data': () =>
      onServer('redis', 'restart without its data', async () => {
        await redis.kill();
        await rm(join(redis.dataDir, 'appendonlydir'), { recursive: true, force: true });
        await redis.restart();
        dataLostAt.push(Date.now());
      }),
    'Redis away': () =>
      onServer('redis', 'away', async () => {
        await redis.kill();
        await sleep(options.outageMs);
        await redis.restart();
      }),
    'PostgreSQL restart': () => onServer('postgres', 'restart', () => postgres.restart()),
    'PostgreSQL away': () =>
      onServer('postgres', 'away', async () => {
        await postgres.kill();
        await sleep(options.outageMs);
        await postgres.restart();
      }),
  };

  return {
    dataLostAt,
    torment: async () => {
      providers.sandbox.stripe.faults.random({
        seed: random.below(1_000_000),
        match: { path: '/v1/', method: 'POST' },
        rates: options.stripe ?? moodyStripe,
      });
      const mails = { 'reset-after-work': 0.03, status: { rate: 0.05, status: 503 } };
      providers.sandbox.sendgrid.faults.random({ seed: random.below(1_000_000), rates: mails });
      providers.solana.faults.random({
        seed: random.below(1_000_000),
        match: { bodyIncludes: 'sendTransaction' },
        rates: { 'reset-after-work': 0.05, reset: 0.03, 'hang-after-work': 0.02 },
      });
      const kinds = Object.keys(faults).filter((kind) => options.kinds?.includes(kind) ?? true);
      // Each kind once before chance decides: a run that never met a kind proves nothing about it.
      const first = shuffled(kinds, random);
      for (const until = performance.now() + options.forMs; performance.now() < until; ) {
        const name = first.pop() ?? random.pick(kinds);
        faults[name ?? '']?.();
        await sleep(300 + random.below(options.pauseMs));
      }
    },
    heal: async () => {
      providers.sandbox.stripe.faults.random(undefined);
      providers.sandbox.sendgrid.faults.random(undefined);
      providers.solana.faults.random(undefined);
      for (const { postgres: toPostgres, redis: toRedis } of members) {
        toPostgres.set(null);
        toRedis.set(null);
      }
      await Promise.all(later);
      for (const { victim } of members) {
        victim.thaw();
        victim.start();
      }
    },
  };
}

function shuffled<Item>(items: readonly Item[], random: Random): Item[] {
  const rest = [...items];
  return items.map(() => rest.splice(random.below(rest.length), 1)[0] as Item);
}
