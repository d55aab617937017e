import { type JobPayload, RetryableError, UnknownOutcomeError } from '../../packages/contracts/src/index.ts';
import type { EffectAdapter, Handler } from '../../packages/queue/src/index.ts';
import type { Process, World } from './world.ts';

/** How long a signed transaction can land, and how much later that is final. */
const validMs = 60_000;
const finalMs = 13_000;
const pollMs = 10_000;

type Signed = { signature: string; validUntil: number };
type Order = { jobId: string };
type Receipt = { mintAddress: string; tokenAccount: string; signature: string; slot: number };

/** A chain with the rules of `apps/worker-money/src/solana`: one address a job, and the last valid height as the fence. */
export class SimulatedChain {
  /** By job: how often its ticket was given out. */
  readonly minted = new Map<string, Receipt>();
  faultRate = 0;
  readonly #world: World;
  #signed = 0;

  constructor(world: World) {
    this.#world = world;
  }

  mintHandler(process: Process): Handler<'nft-mint'> {
    return async (_: JobPayload<'nft-mint'>, ctx) => {
      const { response } = await ctx.effect('mint', { ...this.#adapter(process), request: { jobId: ctx.jobId } });
      return response;
    };
  }

  #adapter(process: Process): EffectAdapter<Order, Receipt> {
    const world = this.#world;
    return {
      provider: 'solana',
      operation: 'tokens.mint',
      send: async ({ jobId }, call) => {
        for (let memo = call.memo as Signed | null; ; memo = null) {
          const signed = memo ?? this.#sign();
          if (memo === null) await call.remember({ ...signed });
          await this.#broadcast(process, jobId, signed);
          for (;;) {
            if (call.signal.aborted) throw new UnknownOutcomeError({ code: 'aborted', message: 'given up' });
            // What a node says does not decide while a transaction is in flight: it is asked again.
            const receipt = await this.#look(process, jobId).catch(() => undefined);
            if (receipt !== undefined) return { providerId: receipt.mintAddress, response: receipt };
            if (world.now > signed.validUntil + finalMs) break;
            await this.#sleep(process);
          }
        }
      },
      find: async ({ jobId }, { memo }) => {
        const receipt = await this.#look(process, jobId);
        if (receipt !== undefined) return { state: 'done', providerId: receipt.mintAddress, response: receipt };
        const signed = memo as Signed | null;
        return signed !== null && world.now <= signed.validUntil + finalMs
          ? { state: 'absent_now' }
          : { state: 'absent_for_good' };
      },
      recall: async ({ jobId }) => {
        const receipt = await this.#look(process, jobId);
        return receipt === undefined ? null : { providerId: receipt.mintAddress, response: receipt };
      },
    };
  }

  #sign(): Signed {
    this.#signed += 1;
    return { signature: `sig_${this.#signed}`, validUntil: this.#world.now + validMs };
  }

  async #broadcast(process: Process, jobId: string, { signature, validUntil }: Signed): Promise<void> {
    const world = this.#world;
    await world.gate(process, `broadcast ${signature}`);
    const land = () => {
      if (world.now > validUntil || this.minted.has(jobId)) return;
      world.tell(`${signature} gives out the ticket of ${jobId}`);
      this.minted.set(jobId, { mintAddress: `mint_${jobId}`, tokenAccount: 'account', signature, slot: 1 });
    };
    if (world.chance(this.faultRate)) {
      // Dropped, or held by a relay.
      if (world.chance(0.7)) world.after(world.random.below(validMs + 20_000), land);
    } else land();
  }

  async #look(process: Process, jobId: string): Promise<Receipt | undefined> {
    await this.#world.gate(process, 'look at the chain');
    if (this.#world.chance(this.faultRate / 3)) {
      throw new RetryableError({ code: 'provider_unreachable', message: 'no node answers' });
    }
    return this.minted.get(jobId);
  }

  async #sleep(process: Process): Promise<void> {
    await new Promise<void>((resolve) => this.#world.after(pollMs, resolve));
    await this.#world.gate(process, 'woken');
  }
}
