import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { SandboxClock } from '../http/clock.ts';
import { cardPayment, failureOf, type StripeBench, stripeBench } from './test-client.ts';

let bench: StripeBench;
let start = 0;
beforeAll(async () => {
  bench = await stripeBench({ clock: new SandboxClock(() => 1_800_000_000_000) });
});
afterAll(() => bench[Symbol.asyncDispose]());
beforeEach(() => {
  bench.sandbox.reset();
  bench.sandbox.settings.searchDelayMs = 0;
  bench.sandbox.clock.advance(3_600_000);
  start = bench.sandbox.clock.now() / 1000;
});

/** Payments a minute apart, oldest first. */
async function payments(count: number, fields: (index: number) => object = () => ({})): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    ids.push((await bench.stripe.paymentIntents.create(cardPayment(fields(index)))).id);
    bench.sandbox.clock.advance(60_000);
  }
  return ids;
}

describe('lists', () => {
  it('come newest first, in pages, and the SDK walks through them', async () => {
    const ids = await payments(5);
    const page = await bench.stripe.paymentIntents.list({ limit: 2 });
    expect(page).toMatchObject({ object: 'list', has_more: true, url: '/v1/payment_intents' });
    expect(page.data.map((row) => row.id)).toEqual([ids[4], ids[3]]);
    const next = await bench.stripe.paymentIntents.list({ limit: 2, starting_after: String(ids[3]) });
    expect(next.data.map((row) => row.id)).toEqual([ids[2], ids[1]]);
    const back = await bench.stripe.paymentIntents.list({ limit: 2, ending_before: String(ids[1]) });
    expect([back.data.map((row) => row.id), back.has_more]).toEqual([[ids[3], ids[2]], true]);
    const all: string[] = [];
    for await (const intent of bench.stripe.paymentIntents.list({ limit: 2 })) all.push(intent.id);
    expect(all).toEqual(ids.toReversed());
  });

  it('are limited to 100, and need an existing cursor', async () => {
    expect(await failureOf(bench.stripe.charges.list({ limit: 101 }))).toMatchObject({ param: 'limit' });
    expect(await failureOf(bench.stripe.charges.list({ starting_after: 'ch_no' }))).toMatchObject({
      param: 'starting_after',
    });
  });

  it('can be cut by the time of creation', async () => {
    const ids = await payments(4);
    const between = await bench.stripe.paymentIntents.list({ created: { gte: start + 60, lt: start + 180 } });
    expect(between.data.map((row) => row.id)).toEqual([ids[2], ids[1]]);
    const exactly = await bench.stripe.balanceTransactions.list({ created: start });
    expect(exactly.data).toHaveLength(1);
  });

  it('expand ids inside their rows', async () => {
    await payments(1);
    const charges = await bench.stripe.charges.list({ expand: ['data.balance_transaction', 'data.refunds'] });
    expect(charges.data[0]).toMatchObject({
      balance_transaction: { net: 4825 },
      refunds: { object: 'list', data: [] },
    });
    const transactions = await bench.stripe.balanceTransactions.list({ expand: ['data.source'] });
    expect(transactions.data[0]?.source).toMatchObject({ object: 'charge' });
    expect(await failureOf(bench.stripe.charges.list({ expand: ['data.colour'] }))).toMatchObject({ param: 'expand' });
  });
});

describe('search', () => {
  const search = async (query: string) =>
    (await bench.stripe.paymentIntents.search({ query })).data.map((row) => row.id);

  it('finds by metadata and by fields', async () => {
    const [a, b] = await payments(2, (index) => ({
      metadata: { queue_job_id: `job-${index}` },
      amount: 1000 * (index + 1),
    }));
    expect(await search("metadata['queue_job_id']:'job-0'")).toEqual([a]);
    expect(await search('metadata["queue_job_id"]:"job-1" AND status:"succeeded"')).toEqual([b]);
    expect(await search("amount>1000 AND currency:'usd'")).toEqual([b]);
    expect(await search('amount<2000 OR amount>=2000')).toEqual([b, a]);
    expect(await search("-metadata['queue_job_id']:'job-0'")).toEqual([b]);
    expect(await search("metadata['missing']:null")).toEqual([b, a]);
    expect(await search("metadata['queue_job_id']:'job'")).toEqual([]);
  });

  it('walks pages', async () => {
    const ids = await payments(3);
    const first = await bench.stripe.paymentIntents.search({ query: "status:'succeeded'", limit: 2 });
    expect(first).toMatchObject({ object: 'search_result', has_more: true, next_page: expect.any(String) });
    const all: string[] = [];
    for await (const intent of bench.stripe.paymentIntents.search({ query: "status:'succeeded'", limit: 2 }))
      all.push(intent.id);
    expect(all).toEqual(ids.toReversed());
  });

  it('does not see what is younger than the index', async () => {
    bench.sandbox.settings.searchDelayMs = 90_000;
    const [old] = await payments(2);
    expect(await search("status:'succeeded'")).toEqual([old]);
  });

  it('refuses what it cannot read', async () => {
    for (const query of ['status=succeeded', "status:'a' AND amount>1 OR amount<9"]) {
      expect(await failureOf(bench.stripe.paymentIntents.search({ query }))).toMatchObject({
        statusCode: 400,
        param: 'query',
      });
    }
  });
});
