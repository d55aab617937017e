import { day, hour, minute, second } from '@queue-service/contracts';

/** How an outcome that Stripe gives later is waited for. A webhook wakes the job earlier; this is for when none comes. */
export interface SettlePolicy {
  /** Since the object was made at Stripe, in milliseconds. */
  deadlineMs: number;
  pollMinMs: number;
  pollMaxMs: number;
}

export const defaultSettle = {
  /** The customer must do something. Off session nobody may be there to do it. */
  action: { deadlineMs: day, pollMinMs: 5 * second, pollMaxMs: 15 * minute },
  /** A bank is at work: a SEPA debit takes up to 14 business days. */
  processing: { deadlineMs: 25 * day, pollMinMs: 5 * second, pollMaxMs: 2 * hour },
  /** Banks and the customer's details (45 days until such a refund fails by itself). */
  refund: { deadlineMs: 60 * day, pollMinMs: 10 * second, pollMaxMs: 6 * hour },
  /** A payout arrives after days, and may be held for review. */
  payout: { deadlineMs: 14 * day, pollMinMs: minute, pollMaxMs: 6 * hour },
} satisfies Record<string, SettlePolicy>;

/**
 * How long to wait before the next look: half the object's age, often while it is young and seldom later. In milliseconds.
 * @param createdSeconds Stripe's time stamp of the object
 * @returns null when the deadline has passed
 */
export function lookAgainMs(policy: SettlePolicy, createdSeconds: number, nowMs: number): number | null {
  const ageMs = nowMs - createdSeconds * 1_000;
  const leftMs = policy.deadlineMs - ageMs;
  if (leftMs <= 0) return null;
  return Math.ceil(Math.min(Math.max(ageMs / 2, policy.pollMinMs), policy.pollMaxMs, leftMs));
}
