import { endProcessing } from './confirm.ts';
import { cancelIntent } from './intents.ts';
import { behaviourOf } from './payment-methods.ts';
import { endPayout, sendPayout } from './payouts.ts';
import { endRefund } from './refunds.ts';
import type { Timer } from './state.ts';
import type { Decline } from './test-methods.ts';
import type { World } from './world.ts';

export const DEBIT_FAILED: Decline = {
  code: 'payment_intent_payment_attempt_failed',
  message: 'The payment attempt failed. The customer can provide a new payment method.',
};

/** Lets everything happen whose time has come, oldest first. */
export function runDue(world: World): void {
  const { state } = world;
  const now = world.clock.now();
  if (!state.timers.some((timer) => timer.at <= now)) return;
  const due = state.timers.filter((timer) => timer.at <= now).toSorted((a, b) => a.at - b.at);
  state.timers = state.timers.filter((timer) => timer.at > now);
  for (const timer of due) run(world, timer);
}

/** A timer whose object has moved on meanwhile does nothing. */
function run(world: World, { kind, account, id }: Timer): void {
  const book = world.state.book(account);
  switch (kind) {
    case 'debit-settles': {
      const intent = book.get('payment_intent', id);
      if (intent?.status !== 'processing') return;
      const method = behaviourOf(book, intent.payment_method);
      const failed = method.settles === 'failed';
      endProcessing(
        world,
        book,
        intent,
        failed ? { kind: 'failed', failure: method.settleFailure ?? DEBIT_FAILED } : { kind: 'succeeded' },
      );
      return;
    }
    case 'authorization-ends': {
      const intent = book.get('payment_intent', id);
      if (intent?.status === 'requires_capture') cancelIntent(world, book, intent, 'automatic');
      return;
    }
    case 'refund-ends': {
      const refund = book.get('refund', id);
      if (refund?.status === 'pending') endRefund(world, book, refund, 'succeeded');
      return;
    }
    case 'refund-fails': {
      const refund = book.get('refund', id);
      if (refund && refund.status !== 'failed') endRefund(world, book, refund, 'failed');
      return;
    }
    case 'payout-leaves': {
      const payout = book.get('payout', id);
      if (payout?.status === 'pending') sendPayout(world, book, payout);
      return;
    }
    case 'payout-arrives': {
      const payout = book.get('payout', id);
      if (payout?.status === 'in_transit') endPayout(world, book, payout, 'paid');
    }
  }
}
