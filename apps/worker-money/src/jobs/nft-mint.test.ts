import { contracts, type JobPayload } from '@queue-service/contracts';
import { Keypair, LAMPORTS_PER_SOL } from '@solana/web3.js';
import { describe, expect, it } from 'vitest';
import { type TestMintOptions, testMint } from '../solana/testing/test-mint.ts';
import { BenchJob, Killed } from '../stripe/testing/bench.ts';
import { createNftMint } from './nft-mint.ts';

async function bench(options: TestMintOptions = {}) {
  const mint = await testMint(options);
  const handler = createNftMint({ minter: mint.minter });
  const payload: JobPayload<'nft-mint'> = {
    ticketId: 'ticket-1042',
    eventId: 'event-77',
    ownerWallet: Keypair.generate().publicKey.toBase58(),
    metadata: {
      name: 'Open Air, seat 12',
      symbol: 'OPEN',
      uri: 'https://t.example/1',
      attributes: { seat: '12', row: '4' },
    },
    transferable: true,
  };
  const job = (tenantId = 'venue-1') => new BenchJob(tenantId, () => mint.solana.clock.now());
  const mints = () => mint.solana.effects.count({ kind: 'mint' });
  return { ...mint, handler, payload, job, mints };
}

describe('nft-mint', () => {
  it('gives the ticket to its owner and answers as the contract says', async () => {
    const { solana, handler, payload, job } = await bench();
    const result = contracts['nft-mint'].result.parse(await job().run(handler, payload));
    expect(solana.ticket(result.mintAddress)).toMatchObject({
      supply: 1n,
      mintAuthority: null,
      name: 'Open Air, seat 12',
      attributes: [
        ['row', '4'],
        ['seat', '12'],
      ],
      holders: [{ owner: payload.ownerWallet, tokenAccount: result.tokenAccount, amount: 1n }],
    });
  });

  it.each(['send', 'settle'] as const)('mints once when the worker is killed before the %s', async (step) => {
    const { handler, payload, job, mints } = await bench();
    const killed = job();
    killed.killBefore = step;
    await expect(killed.run(handler, payload)).rejects.toBeInstanceOf(Killed);
    const result = await killed.run(handler, payload);
    expect(mints()).toBe(1);
    expect(await killed.run(handler, payload)).toEqual(result);
    expect(mints()).toBe(1);
  });

  it('keeps the events of two tenants in two collections, though they have one id', async () => {
    const { solana, handler, payload, job } = await bench();
    const collections = await Promise.all(
      ['venue-1', 'venue-1', 'venue-2'].map(async (tenantId) => {
        const { mintAddress } = contracts['nft-mint'].result.parse(await job(tenantId).run(handler, payload));
        return solana.ticket(mintAddress)?.collection;
      }),
    );
    expect(collections[0]).toBe(collections[1]);
    expect(collections[0]).not.toBe(collections[2]);
  });

  it('can leave tickets without a collection', async () => {
    const { solana, minter, payload, job } = await bench();
    const result = await job().run(createNftMint({ minter, collections: false }), payload);
    expect(solana.ticket(contracts['nft-mint'].result.parse(result).mintAddress)?.collection).toBeNull();
  });

  it('waits without using an attempt while the mint authority is low', async () => {
    const { solana, authority, handler, payload, job, mints } = await bench({ lamports: 1_000_000 });
    const waiting = job();
    await expect(waiting.run(handler, payload)).rejects.toMatchObject({
      name: 'RateLimitedError',
      code: 'mint_authority_low',
    });
    expect(waiting.effects.get('mint')?.status).toBe('planned');
    solana.airdrop(authority.publicKey, LAMPORTS_PER_SOL);
    solana.advance(1);
    await waiting.run(handler, payload);
    expect(mints()).toBe(1);
  });

  it('fails for good on a wallet that is none, in a word of its contract', async () => {
    const { handler, payload, job, mints } = await bench();
    const refused = job();
    const ownerWallet = 'z'.repeat(44);
    await expect(refused.run(handler, { ...payload, ownerWallet })).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'owner_wallet_invalid',
    });
    expect(contracts['nft-mint'].permanentFailures).toContain('owner_wallet_invalid');
    expect(refused.effects.get('mint')?.status).toBe('rejected');
    expect(mints()).toBe(0);
  });

  it('never mints a second ticket for a job whose ledger was lost', async () => {
    const { handler, payload, job, mints } = await bench();
    const before = job();
    const result = await before.run(handler, payload);
    const after = Object.assign(new BenchJob(before.tenantId, Date.now), { id: before.id });
    expect(await after.run(handler, payload)).toEqual(result);
    expect(mints()).toBe(1);
  });
});
