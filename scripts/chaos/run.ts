import { setTimeout as sleep } from 'node:timers/promises';
import { check, lostWithRedis, type Violation } from './checker.ts';
import { type Cluster, type ClusterOptions, startCluster } from './cluster.ts';
import { type Evidence, gather } from './evidence.ts';
import { createFaults, type FaultOptions } from './faults.ts';
import { createProducer, type Load } from './producer.ts';
import { createRandom } from './random.ts';
import { createTimeline, type Timeline } from './timeline.ts';

export interface ChaosOptions {
  seed: number;
  /** Requests of the producer; about three in four make money jobs. */
  requests: number;
  /** How long they are spread over, and faults go on, in milliseconds. */
  forMs: number;
  /** How long a server is away when it is, in milliseconds. */
  outageMs: number;
  /** How long the service may take to end everything once it is healed, in milliseconds. */
  patienceMs: number;
  /** How long history, which is written behind the work, may take after that, in milliseconds. Default 30,000. */
  historyLagMs?: number;
  cluster?: Partial<ClusterOptions>;
  /** Default: something of everything. */
  load?: Load;
  /** Which faults, and how often. */
  faults?: Partial<Omit<FaultOptions, 'forMs' | 'outageMs'>>;
  /** What befalls, step by step, instead of faults by chance. */
  script?: (cluster: Cluster, timeline: Timeline) => Promise<void>;
}

export interface ChaosReport {
  seed: number;
  violations: readonly Violation[];
  figures: Readonly<Record<string, number>>;
  timeline: Timeline;
}

/** Two of everything; each process' clock is off by another amount. */
const wholeFleet: ClusterOptions = {
  sizes: { api: 2, 'worker-money': 2, 'worker-communication': 2, 'worker-background': 2, scheduler: 2 },
  skewMs: (position) => (position % 3) * 700 - 700,
};

/** One run: load, faults, healing, and a check of all that was promised. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const random = createRandom(options.seed);
  const { load = 'everything' } = options;
  const cluster = await startCluster({ ...wholeFleet, ...options.cluster });
  try {
    await untilReady(cluster);
    const timeline = createTimeline();
    const producer = await createProducer(cluster, createRandom(options.seed + 1), load);
    const schedules = load === 'everything' ? await createSchedules(cluster) : [];
    const faults = createFaults(cluster, random, timeline, {
      outageMs: options.outageMs,
      forMs: options.forMs,
      pauseMs: 1_500,
      ...options.faults,
    });

    const counting = watchProgress(cluster, timeline, () => producer.acknowledged.length);
    const posts: Promise<void>[] = [];
    const posting = (async () => {
      for (let n = 0; n < options.requests; n += 1) {
        posts.push(producer.post(n));
        await sleep(options.forMs / options.requests);
      }
    })();
    await Promise.all([posting, options.script?.(cluster, timeline) ?? faults.torment()]);
    const over = timeline.note('all', 'healed; nothing more befalls');
    await faults.heal();
    const startedAt = performance.now();
    await Promise.all(posts);
    await untilReady(cluster);
    await pauseSchedules(cluster, schedules);
    const left = await untilIdle(cluster, options.patienceMs);
    const recoveredMs = performance.now() - startedAt;
    over();
    await counting.stop();
    const { evidence, violations } = await judge(
      () => gather(cluster, producer.acknowledged, faults.dataLostAt, left),
      options.historyLagMs ?? 30_000,
    );
    return {
      seed: options.seed,
      violations,
      timeline,
      figures: figuresOf(evidence, { ...producer.figures, faults: timeline.happenings.length - 1, recoveredMs }),
    };
  } finally {
    await cluster.stop();
  }
}

function figuresOf(evidence: Evidence, more: Record<string, number>): Record<string, number> {
  const { money, effects, moves, fires } = evidence;
  const mails = effects.filter(({ kind }) => kind === 'mail');
  return {
    'requests acknowledged': more['acknowledged'] ?? 0,
    'requests repeated': more['repeated'] ?? 0,
    'requests never answered': more['unacknowledged'] ?? 0,
    faults: more['faults'] ?? 0,
    'money jobs': money.length,
    'money jobs taken more than once': new Set(moves.filter(({ fencing }) => fencing > 1).map(({ jobId }) => jobId))
      .size,
    'money jobs given back': moves.filter(({ from, to }) => from === 'processing' && to === 'pending').length,
    'attempts beyond the first': money.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0),
    'crashes counted': money.reduce((sum, { crashes }) => sum + crashes, 0),
    charges: effects.filter(({ kind }) => kind === 'charge').length,
    refunds: effects.filter(({ kind }) => kind === 'refund').length,
    mints: effects.filter(({ kind }) => kind === 'mint').length,
    mails: mails.length,
    'mails sent twice': mails.length - new Set(mails.map(({ jobId }) => jobId)).size,
    'fires of schedules': fires.length,
    'losses of Redis\u2019 data': evidence.dataLostAt.length,
    'other jobs lost with it': lostWithRedis(evidence).length,
    'seconds until all had ended': Math.round((more['recoveredMs'] ?? 0) / 100) / 10,
  };
}

async function untilReady({ members }: Cluster): Promise<void> {
  for (const { url, name, victim } of members) {
    if (url === null) continue;
    for (const until = Date.now() + 180_000; ; await sleep(200)) {
      const answer = await fetch(`${url}/api/v1/queue/health/ready`).catch(() => null);
      if (answer?.ok) break;
      if (Date.now() > until) throw new Error(`${name} does not become ready:\n${victim.output().slice(-2_000)}`);
    }
  }
}

/** Until nothing waits or runs, or the patience is over. Answers what the queues still hold. */
async function untilIdle(cluster: Cluster, patienceMs: number): Promise<Record<string, number>> {
  let left: Record<string, number> = { all: Number.POSITIVE_INFINITY };
  for (const until = Date.now() + patienceMs; Date.now() < until; await sleep(500)) {
    const [unfinished] = await cluster.db
      .query<{ count: number }>(
        '',
        `SELECT (SELECT count(*) FROM critical_jobs WHERE finished_at IS NULL)::int
           + (SELECT count(*) FROM flows WHERE finished_at IS NULL)::int
           + (SELECT count(*) FROM webhook_deliveries WHERE status = 'pending')::int
           + (SELECT count(*) FROM schedule_fires WHERE status IN ('due', 'queued'))::int AS count`,
      )
      .catch(() => []);
    left = await held(cluster).catch(() => ({ all: Number.POSITIVE_INFINITY }));
    if (unfinished?.count === 0 && Object.values(left).every((count) => count === 0)) break;
  }
  return left;
}

/** Looks until nothing is wrong, or history had its time. */
async function judge(
  gathered: () => Promise<Evidence>,
  historyLagMs: number,
): Promise<{ evidence: Evidence; violations: Violation[] }> {
  for (const until = Date.now() + historyLagMs; ; await sleep(2_000)) {
    const evidence = await gathered();
    const violations = check(evidence);
    if (violations.length === 0 || Date.now() > until) return { evidence, violations };
  }
}

async function held(cluster: Cluster): Promise<Record<string, number>> {
  const { queues } = (await request(cluster, 'GET', '/queues')) as {
    queues: { queue: string; waiting: number; active: number; delayed: number }[];
  };
  return Object.fromEntries(queues.map(({ queue, waiting, active, delayed }) => [queue, waiting + active + delayed]));
}

async function createSchedules(cluster: Cluster): Promise<string[]> {
  const schedules = [1_000, 2_000].map(async (everyMs) => {
    const body = {
      name: `every-${everyMs}`,
      type: 'analytics-track',
      everyMs,
      data: { userId: 'user-of-0', event: 'Tick' },
      overlap: 'allow',
      catchUp: 'all',
    };
    const { schedule } = (await request(cluster, 'POST', '/schedules', body)) as { schedule: { id: string } };
    return schedule.id;
  });
  return Promise.all(schedules);
}

async function pauseSchedules(cluster: Cluster, ids: readonly string[]): Promise<void> {
  for (const id of ids) await request(cluster, 'PATCH', `/schedules/${id}`, { active: false });
}

/** As an operator of `tenant-0`, with repeats while the service comes back. */
async function request(cluster: Cluster, method: string, path: string, body?: unknown): Promise<unknown> {
  const url = cluster.members.find((member) => member.url !== null)?.url;
  const token = await cluster.operatorToken('tenant-0');
  for (let tries = 1; ; tries += 1) {
    const answer = await fetch(`${url}/api/v1/queue${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (answer.ok) return answer.json();
    if (tries === 20 || answer.status < 500)
      throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
    await sleep(500);
  }
}

function watchProgress(cluster: Cluster, timeline: Timeline, acknowledged: () => number) {
  const stopped = new AbortController();
  const running = (async () => {
    while (!stopped.signal.aborted) {
      const [row] = await cluster.db
        .query<{ count: number }>('', 'SELECT count(*)::int AS count FROM critical_jobs WHERE finished_at IS NULL')
        .catch(() => []);
      if (row !== undefined) timeline.count({ acknowledged: acknowledged(), unfinished: row.count });
      await sleep(500, undefined, { signal: stopped.signal }).catch(() => {});
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await running;
    },
  };
}
