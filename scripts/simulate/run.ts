import type { Random } from '../chaos/random.ts';
import { Engine, type SimulatedJob } from './engine.ts';
import { type Process, World } from './world.ts';

export interface Simulated {
  /** Broken promises, one a line. */
  violations: string[];
  story: string[];
  /** Interleaving points that were decided. */
  steps: number;
}

const minute = 60_000;
const hour = 60 * minute;
const mostSteps = 4_000;

/**
 * One life of a few jobs under adversities drawn by the seed, then healed and driven to its end, and looked at again when
 * everything that was ever sent has landed.
 */
export async function simulate(random: Random): Promise<Simulated> {
  const world = new World(random);
  const engine = new Engine(world);
  let names = 0;
  const start = (): Process => {
    names += 1;
    return { name: `worker-${names}`, state: 'running', frozenAt: 0 };
  };
  let workers = [start(), start()];
  const faultRate = random.pick([0, 0.15, 0.35, 0.6]);
  engine.stripe.faultRate = faultRate;
  engine.chain.faultRate = faultRate;
  seedJobs(engine, random);

  let steps = 0;
  const die = async (index: number) => {
    const worker = workers[index] as Process;
    world.tell(`${worker.name} dies`);
    engine.loseLeases(worker);
    world.kill(worker);
    workers[index] = start();
  };
  const adversity = async () => {
    const job = random.pick(engine.jobs);
    switch (random.below(8)) {
      case 0:
        return die(random.below(workers.length));
      case 1: {
        const worker = random.pick(workers);
        if (worker.state !== 'running') return;
        world.tell(`${worker.name} is frozen`);
        engine.loseLeases(worker);
        worker.state = 'frozen';
        world.after(random.pick([20_000, 10 * minute, 26 * hour]), () => {
          if (worker.state === 'frozen') worker.state = 'running';
        });
        // Its place is taken by another; it may wake up later.
        workers = workers.map((one) => (one === worker ? start() : one));
        return;
      }
      case 2:
        return engine.cancel(job);
      case 3:
        return engine.timeOut(job);
      case 4:
        return engine.redrive(job);
      case 5:
        if (engine.flows.length > 0) engine.cancelFlow(random.pick(engine.flows));
        return;
      default:
        await world.advance(random.pick([30_000, 5 * minute, hour, 25 * hour]));
    }
  };

  let adversities = random.below(10);
  while (steps < mostSteps) {
    steps += 1;
    if (adversities > 0 && world.chance(0.06)) {
      adversities -= 1;
      await adversity();
      continue;
    }
    const due = engine.jobs.filter((job) => engine.isDue(job));
    if (due.length > 0 && world.chance(0.4)) {
      const healthy = workers.filter(({ state }) => state === 'running');
      engine.deliver(random.pick(due), random.pick(healthy));
      continue;
    }
    if (await world.step()) continue;
    if (due.length > 0) {
      engine.deliver(random.pick(due), workers.find(({ state }) => state === 'running') as Process);
      continue;
    }
    // Half-way, the faults end; what may succeed has to.
    if (steps > 150 || adversities === 0) {
      adversities = 0;
      engine.stripe.faultRate = 0;
      engine.chain.faultRate = 0;
    }
    const open = engine.jobs.filter(({ status }) => status === 'pending' || status === 'processing');
    if (open.length === 0 && adversities === 0) break;
    const soonest = Math.min(...open.map((job) => (job.status === 'pending' ? job.runAt : job.leaseUntil + 1)));
    const moved = await world.advance();
    if (!moved || world.now < soonest) await world.advance(Math.max(1, soonest - world.now));
  }
  const violations = check(engine, 'at the end');
  // Whoever still sleeps wakes up, and all that was ever sent arrives.
  for (let days = 0; days < 3; days += 1) {
    await world.advance(26 * hour);
    for (let more = 0; more < 400 && (await world.step()); more += 1);
  }
  while (await world.advance());
  violations.push(...check(engine, 'later'));
  return { violations: [...new Set(violations)], story: world.story, steps };
}

function seedJobs(engine: Engine, random: Random): void {
  const card = () => random.pick(['good', 'good', 'wavering', 'declined', 'bank']);
  const payment = () => ({ orderId: 'o', amount: 1_000, currency: 'eur', paymentMethodId: card() });
  switch (random.below(5)) {
    case 0:
      engine.accept('payment-process', payment(), { attempts: random.pick([1, 3, 10]) });
      return;
    case 1: {
      // A payment that was made, and two parts of it that go back.
      const id = 'pi_paid';
      engine.stripe.intents.set(id, {
        ...{
          id,
          object: 'payment_intent',
          status: 'succeeded',
          amount: 1_000,
          amount_received: 1_000,
          currency: 'eur',
        },
        ...{ created: 0, metadata: {}, payment_method: 'good' },
      });
      for (let part = 0; part < 2; part += 1) {
        engine.accept('refund-process', { paymentIntentId: id, amount: 300 }, { attempts: random.pick([1, 3, 10]) });
      }
      return;
    }
    case 2:
      engine.accept(
        'payout-process',
        { destinationAccountId: 'acct_1', amount: 500, currency: 'eur', mode: 'transfer' },
        { attempts: random.pick([1, 3, 10]) },
      );
      return;
    default:
      engine.buy(card(), random.below(2) === 0);
  }
}

/** What is promised, of the world as it is now. */
function check(engine: Engine, when: string): string[] {
  const broken: string[] = [];
  for (const job of engine.jobs) {
    const standing = standingOf(engine, job);
    const wrong = (what: string) => broken.push(`${when}: ${job.type} ${job.id} is ${job.status} ${what}`);
    if (standing > 1) wrong(`with ${standing} effects that stand`);
    if (job.status === 'completed' && standing === 0) wrong('without its effect');
    if ((job.status === 'failed' || job.status === 'cancelled') && standing > 0) wrong('with an effect that stands');
    if (job.status === 'pending' || job.status === 'processing') wrong('and stuck');
  }
  for (const { status, finished, pay, mint, refund } of engine.flows) {
    const wrong = (what: string) => broken.push(`${when}: the flow of ${pay.id} is ${status} ${what}`);
    if (!finished) wrong('and does not end');
    const paid = standingOf(engine, pay) - (refund === null ? 0 : standingOf(engine, refund));
    const ticket = mint !== null && engine.chain.minted.has(mint.id);
    if (ticket && refund !== null && refund.status === 'completed')
      wrong('with its money back and its ticket on the chain');
    if (status === 'completed' && (paid !== 1 || !ticket))
      wrong(`with ${paid} payments and ${ticket ? 'a' : 'no'} ticket`);
    if (status === 'compensated' && (paid !== 0 || ticket))
      wrong(`with ${paid} payments and ${ticket ? 'a' : 'no'} ticket`);
  }
  return broken;
}

/** Effects of a job that are in force at the providers. */
function standingOf(engine: Engine, job: SimulatedJob): number {
  const own = ({ metadata, status }: { metadata: Record<string, string>; status: string }) =>
    metadata.queue_job_id === job.id && status === 'succeeded';
  switch (job.type) {
    case 'payment-process':
      return [...engine.stripe.intents.values()].filter(own).length;
    case 'nft-mint':
      return engine.chain.minted.has(job.id) ? 1 : 0;
    default:
      return [...engine.stripe.moved.values()].filter(own).length;
  }
}
