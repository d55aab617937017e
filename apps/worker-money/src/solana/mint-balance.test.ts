import { listOpenIncidents } from '@queue-service/persistence';
import { Keypair, LAMPORTS_PER_SOL } from '@solana/web3.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MoneyFleet, startMoneyFleet } from '../testing/money-fleet.ts';

let fleet: MoneyFleet;
beforeAll(async () => {
  fleet = await startMoneyFleet({ lamports: 1_000_000 });
});
afterAll(() => fleet.stop());

it('tells of a low balance; mints wait without using an attempt, and go through when it is filled up', async () => {
  const { runtime, solana, authority, metrics } = fleet;
  const incidents = async () => (await listOpenIncidents(runtime.db)).map(({ kind }) => kind);
  const id = await fleet.post('nft-mint', {
    ticketId: 't',
    eventId: 'e',
    ownerWallet: Keypair.generate().publicKey.toBase58(),
    metadata: { name: 'Seat 1', symbol: 'SEAT', uri: 'https://tickets.example/1.json' },
  });
  await expect.poll(() => fleet.job(id)).toMatchObject({ status: 'pending', error: { code: 'mint_authority_low' } });
  expect((await fleet.job(id)).attempts).toBe(0);
  expect(await incidents()).toEqual(['mint_balance_low']);
  expect(await metrics.text()).toMatch(/mint_authority_lamports\{[^}]*\} 1000000\n/);

  solana.airdrop(authority.publicKey, LAMPORTS_PER_SOL);
  await expect.poll(incidents).toEqual([]);
  // It would look again in a minute by itself.
  await runtime.db.prisma.criticalJob.update({ where: { id }, data: { runAt: new Date() } });
  await (await runtime.connections.of('money').queue.getJob(id))?.promote();
  expect(await fleet.ended(id)).toMatchObject({ status: 'completed', attempts: 1 });
});
