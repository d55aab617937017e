import { contractOf, PermanentError, UnknownOutcomeError } from '@queue-service/contracts';
import { createLogger, createMetrics } from '@queue-service/observability';
import { type Handlers, startFleetWorker, type WorkerHost } from '@queue-service/queue';
import request from 'supertest';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { bearer } from '../testing/tokens.ts';

let real: RealApp;
const workers: WorkerHost[] = [];
beforeAll(async () => {
  real = await realApp();
});
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.close(1_000)));
});
afterAll(() => real.close());

type Who = Parameters<typeof bearer>[0];
const call = async (method: 'get' | 'post' | 'delete', path: string, who: Who = 'venueAdmin', body?: object) => {
  const asked = request(real.app)
    [method](`/api/v1/queue${path}`)
    .set('Authorization', await bearer(who));
  return body === undefined ? asked : asked.send(body);
};
async function post(type: 'payment-process' | 'send-email', options: object = {}, who: Who = 'service') {
  const data =
    type === 'payment-process'
      ? { orderId: 'o1', amount: 100, currency: 'eur', paymentMethodId: 'pm_card_visa' }
      : { to: 'ada@example.com', subject: 'a', text: 'b' };
  const answer = await call('post', '/jobs', who, { queue: contractOf(type).queue, type, data, options });
  return answer.body.job.id as string;
}
const rowOf = (id: string) => real.runtime.db.prisma.criticalJob.findUniqueOrThrow({ where: { id } });
const inRedis = (queue: 'money' | 'communication', id: string) => real.runtime.connections.of(queue).queue.getJob(id);
const parts = () => ({
  runtime: real.runtime,
  config: real.config,
  log: createLogger({ service: 'test', level: 'silent' }),
  metrics: createMetrics({ service: 'test' }),
});

type Pay = Handlers<'money'>['payment-process'];
function moneyWorker(pay: Pay) {
  const handlers: Handlers<'money'> = {
    'payment-process': pay,
    'refund-process': async () => contractOf('refund-process').example.result as never,
    'payout-process': async () => contractOf('payout-process').example.result as never,
    'nft-mint': async () => contractOf('nft-mint').example.result as never,
    'reconcile-books': async () => contractOf('reconcile-books').example.result as never,
  };
  workers.push(startFleetWorker({ ...parts(), queue: 'money', handlers }));
}
function mailWorker(mail: Handlers<'communication'>['send-email']) {
  const handlers: Handlers<'communication'> = {
    'send-email': mail,
    'send-sms': async () => contractOf('send-sms').example.result as never,
    'send-push': async () => contractOf('send-push').example.result as never,
    'deliver-webhook': async () => ({ statusCode: 200, durationMs: 1 }),
  };
  workers.push(startFleetWorker({ ...parts(), queue: 'communication', handlers }));
}
const untilStatus = (id: string, status: string) =>
  vi.waitFor(async () => expect((await call('get', `/jobs/${id}`, 'admin')).body.job?.status).toBe(status), {
    timeout: 15_000,
    interval: 50,
  });
const letterOf = async (jobId: string) => {
  const listed = await call('get', '/dead-letters?limit=100', 'admin');
  return listed.body.deadLetters.find((letter: { jobId: string }) => letter.jobId === jobId);
};
const paid = contractOf('payment-process').example.result as never;
const declined = () => {
  throw new PermanentError({ code: 'card_declined', message: 'The card was declined' });
};

describe('cancelling', () => {
  it.each(['payment-process', 'send-email'] as const)('ends a waiting %s at once, and only once', async (type) => {
    for (const options of [{}, { delayMs: 60_000 }]) {
      const id = await post(type, options);
      const answer = await call('delete', `/jobs/${id}`);
      expect(answer.status).toBe(200);
      expect(answer.body.job).toMatchObject({ id, status: 'cancelled', error: { code: 'cancelled' } });
      expect(await inRedis(contractOf(type).queue as 'money', id)).toBeUndefined();
      expect((await call('get', `/jobs/${id}`)).body.job.status).toBe('cancelled');
      expect((await call('delete', `/jobs/${id}`)).status).toBe(200);
      const log = await call('get', `/audit-log?resourceId=${id}`, 'admin');
      expect(log.body.entries).toMatchObject([
        { action: 'job.cancel', actor: 'venue-boss', after: { status: 'cancelled' } },
      ]);
    }
  });

  it('stops a running payment through its abort signal', async () => {
    const started = vi.fn();
    moneyWorker(
      (_, ctx) =>
        new Promise((_resolve, reject) => {
          started();
          ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error));
        }),
    );
    const id = await post('payment-process');
    await vi.waitFor(() => expect(started).toHaveBeenCalled(), { timeout: 10_000 });
    expect((await call('delete', `/jobs/${id}`)).status).toBe(202);
    await untilStatus(id, 'cancelled');
    expect((await call('delete', `/jobs/${id}`)).status).toBe(200);
  });

  it.each([
    ['done', 'completed'],
    ['absent_for_good', 'cancelled'],
  ] as const)(
    'finds out first what became of a payment that may have been sent: %s makes it %s',
    async (state, end) => {
      const id = await post('payment-process', { delayMs: 60_000 });
      const sent = {
        provider: 'stripe',
        operation: 'payment_intents.create',
        request: {},
        requestHash: Buffer.alloc(32),
      };
      await real.runtime.db.prisma.effect.create({
        data: { ...sent, id: crypto.randomUUID(), jobId: id, name: 'charge', status: 'unknown', tenantId: 'venue-1' },
      });
      expect((await call('delete', `/jobs/${id}`)).status).toBe(202);
      const sends = vi.fn();
      moneyWorker(async (_, ctx) => {
        await ctx.effect('charge', {
          ...{ provider: 'stripe', operation: 'payment_intents.create', request: {} },
          send: async () => {
            sends();
            return { providerId: 'pi_2', response: {} };
          },
          find: async () => (state === 'done' ? { state, providerId: 'pi_1', response: {} } : { state }),
        });
        return paid;
      });
      await untilStatus(id, end);
      expect(sends).not.toHaveBeenCalled();
      expect(await rowOf(id)).toMatchObject({ attempts: state === 'done' ? 1 : 0 });
    },
  );

  const open = { provider: 'stripe', operation: 'payment_intents.confirm', request: {} } as const;
  const lost = new UnknownOutcomeError({ code: 'provider_timeout', message: 'No answer' });
  it.each([
    ['done', 'completed', 'completed'],
    ['absent_for_good', 'cancelled', 'failed'],
  ] as const)('and a failure wait until it is certain that nothing happened: %s', async (state, cancelled, failed) => {
    let found: 'absent_now' | typeof state = 'absent_now';
    const sends = vi.fn();
    moneyWorker(async (_, ctx) => {
      await ctx.effect('charge', {
        ...open,
        send: async () => {
          sends();
          throw lost;
        },
        find: async () => (found === 'done' ? { state: found, providerId: 'pi_1', response: {} } : { state: found }),
      });
      return paid;
    });
    const pay = (options: object) => post('payment-process', options);
    const [stopped, dead] = await Promise.all([pay({}), pay({ attempts: 1 })]);
    await vi.waitFor(() => expect(sends).toHaveBeenCalledTimes(2), { timeout: 10_000 });
    expect((await call('delete', `/jobs/${stopped}`)).status).toBe(202);
    for (const id of [stopped, dead]) {
      await vi.waitFor(async () => expect((await rowOf(id))?.settlingSince).not.toBeNull(), { timeout: 10_000 });
      expect((await call('get', `/jobs/${id}`, 'admin')).body.job).toMatchObject({
        ...{ status: expect.stringMatching(/^p/), finishedAt: null },
        error: { code: 'outcome_pending', retryable: true },
      });
    }
    expect(await letterOf(dead)).toBeUndefined();
    found = state;
    const due = 'UPDATE critical_jobs SET run_at = now() WHERE id = ANY($1::uuid[])';
    await real.runtime.db.query('due', due, [[stopped, dead]]);
    for (const id of [stopped, dead]) {
      await vi.waitFor(async () => (await inRedis('money', id))?.promote(), { timeout: 10_000 });
    }
    await Promise.all([untilStatus(stopped, cancelled), untilStatus(dead, failed)]);
    expect(sends).toHaveBeenCalledTimes(2);
    expect((await letterOf(dead))?.error.code).toBe(failed === 'failed' ? 'provider_timeout' : undefined);
    await real.runtime.db.query('forget', 'DELETE FROM dead_letters WHERE job_id = $1::uuid', [dead]);
  });

  it('says of a payment that it stops half-way what has been done', async () => {
    const charged = vi.fn();
    moneyWorker(async (_, ctx) => {
      const spec = { provider: 'stripe', operation: 'payment_intents.create', request: {} } as const;
      await ctx.effect('charge', { ...spec, send: async () => ({ providerId: 'pi_1', response: {} }) });
      charged();
      // Of the two runs, the second is there to find out.
      if (charged.mock.calls.length === 1)
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve));
      await ctx.effect('transfer', { ...spec, send: async () => ({ providerId: 'tr_1', response: {} }) });
      return paid;
    });
    const id = await post('payment-process');
    await vi.waitFor(() => expect(charged).toHaveBeenCalled(), { timeout: 10_000 });
    expect((await call('delete', `/jobs/${id}`)).status).toBe(202);
    await untilStatus(id, 'cancelled');
    const message = 'Cancelled on request; charge was carried out (pi_1)';
    expect(await rowOf(id)).toMatchObject({ error: { code: 'cancelled', message } });
  });

  it('is refused for jobs that ended, belong to others or do not exist, and to producers', async () => {
    moneyWorker(async () => paid);
    const id = await post('payment-process');
    await untilStatus(id, 'completed');
    expect((await call('delete', `/jobs/${id}`)).status).toBe(409);
    const theirs = [
      await post('payment-process', { delayMs: 60_000 }, 'otherTenant'),
      await post('send-email', {}, 'otherTenant'),
    ];
    for (const other of [...theirs, crypto.randomUUID()]) {
      expect((await call('delete', `/jobs/${other}`)).status).toBe(404);
      expect((await call('post', `/jobs/${other}/retry`)).status).toBe(404);
    }
    expect((await call('delete', `/jobs/${theirs[0]}`, 'service')).status).toBe(403);
    expect((await rowOf(theirs[0] as string)).status).toBe('pending');
  });
});

describe('a dead letter', () => {
  it('of a payment is redriven once, and what was refused is asked for anew', async () => {
    let pay: Pay = declined;
    moneyWorker((...args) => pay(...args));
    const id = await post('payment-process');
    await untilStatus(id, 'failed');
    const asked = {
      provider: 'stripe',
      operation: 'payment_intents.create',
      request: {},
      requestHash: Buffer.alloc(32),
    };
    const effects = (['rejected', 'confirmed'] as const).map((status) => ({
      ...{
        ...asked,
        id: crypto.randomUUID(),
        jobId: id,
        name: status,
        status,
        tenantId: 'venue-1',
        code: 'card_declined',
      },
    }));
    await real.runtime.db.prisma.effect.createMany({ data: effects });
    const letter = await letterOf(id);
    expect(letter).toMatchObject({ status: 'open', reason: 'permanent', error: { code: 'card_declined' } });
    const one = await call('get', `/dead-letters/${letter.id}`);
    expect(one.body.deadLetter).toMatchObject({ data: { orderId: 'o1', amount: 100 }, attemptLog: [{ attempt: 1 }] });
    const history = await call('get', `/jobs/${id}/history`, 'service');
    expect(history.body).toMatchObject({
      attempts: [{ attempt: 1, error: { code: 'card_declined' } }],
      effects: expect.arrayContaining([
        expect.objectContaining({ name: 'rejected', status: 'rejected', code: 'card_declined' }),
      ]),
      ledger: { fencing: 1, leasedBy: null },
      deadLetterId: letter.id,
    });
    expect(history.body.effects[0]).not.toHaveProperty('request');
    expect((await call('get', `/jobs/${id}/history`, 'otherTenant')).status).toBe(404);

    pay = async () => paid;
    const both = await Promise.all([
      call('post', `/dead-letters/${letter.id}/redrive`),
      call('post', `/dead-letters/${letter.id}/redrive`),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409]);
    await untilStatus(id, 'completed');
    expect(await rowOf(id)).toMatchObject({ attempts: 1 });
    const after = await real.runtime.db.prisma.effect.findMany({ where: { jobId: id }, orderBy: { name: 'asc' } });
    expect(after).toMatchObject([
      { name: 'confirmed', status: 'confirmed', generation: 0 },
      { name: 'rejected', status: 'planned', generation: 1, code: null },
    ]);
    expect(await letterOf(id)).toMatchObject({ status: 'redriven', redrives: 1, resolvedBy: 'venue-boss' });
    const log = await call('get', `/audit-log?resourceId=${letter.id}`, 'admin');
    expect(log.body.entries).toMatchObject([{ action: 'dead-letter.redrive', after: { redrives: 1 } }]);
  });

  it('of a mail comes back under its own id by a retry of the job, its address masked', async () => {
    let dead = true;
    mailWorker(async () => {
      if (dead) throw new PermanentError({ code: 'bad_template', message: 'There is no such template' });
      return { messageId: 'm', accepted: 1, provider: 'test', suppressed: false, suppressedReason: null };
    });
    const id = await post('send-email');
    await untilStatus(id, 'failed');
    const letter = await letterOf(id);
    const shown = await call('get', `/dead-letters/${letter.id}`);
    expect(JSON.stringify(shown.body)).not.toContain('ada@example.com');
    await vi.waitFor(async () => expect(await (await inRedis('communication', id))?.getState()).toBe('failed'));
    const history = await call('get', `/jobs/${id}/history`);
    expect(history.body).toMatchObject({ attempts: [{ error: { code: 'bad_template' } }], effects: [], ledger: null });
    dead = false;
    const retried = await call('post', `/jobs/${id}/retry`);
    expect(retried.status).toBe(202);
    await untilStatus(id, 'completed');
    expect((await call('post', `/jobs/${id}/retry`)).status).toBe(409);
  });

  it('is discarded with a reason, and is not redriven after that', async () => {
    moneyWorker(declined);
    const id = await post('payment-process');
    await untilStatus(id, 'failed');
    const letter = await letterOf(id);
    expect((await call('delete', `/dead-letters/${letter.id}`)).status).toBe(400);
    const discarded = await call('delete', `/dead-letters/${letter.id}?reason=the+order+was+withdrawn`);
    expect(discarded.body.deadLetter).toMatchObject({ status: 'discarded', resolvedReason: 'the order was withdrawn' });
    expect((await call('post', `/dead-letters/${letter.id}/redrive`)).status).toBe(409);
    expect((await rowOf(id)).status).toBe('failed');
  });

  it('is redriven with the others by a filter, within the own tenant, after a dry run', async () => {
    let pay: Pay = declined;
    moneyWorker((...args) => pay(...args));
    const mine = await post('payment-process');
    const theirs = await post('payment-process', {}, 'otherTenant');
    await untilStatus(mine, 'failed');
    await untilStatus(theirs, 'failed');
    pay = async () => paid;
    const dry = await call('post', '/dead-letters/redrive', 'venueAdmin', { filter: { queue: 'money' } });
    expect(dry.body).toMatchObject({ dryRun: true, matching: 1, deadLetters: [{ jobId: mine }] });
    expect((await rowOf(mine)).status).toBe('failed');
    const slow = {
      filter: { queue: 'money', reason: 'permanent', code: 'card_declined' },
      dryRun: false,
      ratePerSecond: 1,
    };
    const begun = await call('post', '/dead-letters/redrive', 'venueAdmin', slow);
    expect(begun).toMatchObject({
      status: 202,
      body: { matching: 1, run: { status: 'running', total: 1, redriven: 0 } },
    });
    const run = `/dead-letters/redrives/${begun.body.run.id}`;
    expect((await call('get', run, 'venueAdmin')).body.run).toEqual(begun.body.run);
    expect((await call('delete', run, 'venueAdmin')).body.run).toMatchObject({
      status: 'stopped',
      stoppedBy: 'venue-boss',
    });
    expect((await call('delete', `/dead-letters/redrives/${crypto.randomUUID()}`, 'venueAdmin')).status).toBe(404);
    const done = await call('post', '/dead-letters/redrive', 'venueAdmin', {
      filter: { queue: 'money' },
      dryRun: false,
    });
    expect(done.body).toMatchObject({ dryRun: false, deadLetters: [{ jobId: mine, status: 'redriven' }], skipped: [] });
    await untilStatus(mine, 'completed');
    expect((await rowOf(theirs)).status).toBe('failed');
    const other = await letterOf(theirs);
    expect((await call('get', `/dead-letters/${other.id}`)).status).toBe(404);
    expect((await call('post', `/dead-letters/${other.id}/redrive`)).status).toBe(404);
    expect((await call('delete', `/dead-letters/${other.id}?reason=x`)).status).toBe(404);
    expect((await call('get', '/dead-letters', 'service')).status).toBe(403);
  });
});
