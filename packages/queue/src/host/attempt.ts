import type { Claim } from '../tiers/tier.ts';
import { certainOutcome, type Outcome } from './outcome.ts';

type Claimed = Pick<Claim, 'acted' | 'crashes' | 'findsOut' | 'verdict'>;

/**
 * How one attempt of a claimed job ends. A job that is to end without its effects runs once more for those that were
 * carried out, or may have been: money that has moved is looked for before the job ends without it.
 * @param run runs the handler; given the names of effects, it sends nothing and only finds out what became of these
 */
export async function attemptOutcome(
  claim: Claimed,
  run: (settleOnly?: ReadonlySet<string>) => Promise<Outcome>,
): Promise<Outcome> {
  const { verdict } = claim;
  if (verdict === undefined) return certain(claim, await run());
  const acted = await claim.acted();
  if (claim.findsOut && acted.length > 0) {
    return certain(claim, await run(new Set(acted.map(({ name }) => name))));
  }
  return verdict === null ? { kind: 'cancelled', acted } : { kind: 'dead', ...verdict };
}

/** A job whose workers died with it too often. */
export function stalledOutcome(claim: Claimed): Promise<Outcome> {
  const message = `Its worker died ${claim.crashes} times while it ran`;
  return certain(claim, { kind: 'dead', reason: 'stalled', error: { code: 'stalled', message, retryable: false } });
}

/** The outcome as far as it can be said now; asks the tier only where something stands on it. */
async function certain(claim: Claimed, outcome: Outcome): Promise<Outcome> {
  const ends = outcome.kind === 'dead' || outcome.kind === 'cancelled';
  if (claim.verdict === undefined && !ends) return outcome;
  if (!claim.findsOut) return outcome.kind === 'cancelled' ? { ...outcome, acted: await claim.acted() } : outcome;
  return certainOutcome(outcome, claim.verdict, await claim.acted());
}
