import { createCollection } from './collection-instructions.ts';
import type { MintKeys } from './derived-keys.ts';
import type { Observation } from './observe.ts';
import type { Step } from './step.ts';
import type { TicketOrder } from './ticket.ts';
import { createTicket, describeTicket, giveTicket, joinCollection, topUpRent } from './ticket-instructions.ts';

/**
 * What is still to be done, in order, as it follows from the order and what is on the chain; so after a crash between
 * two transactions the rest is planned just as if nothing had happened. The last step gives out the one ticket and
 * removes the mint authority in the same transaction: before it nobody has a ticket, after it no second one can be.
 */
export function remainingSteps(order: TicketOrder, keys: MintKeys, observation: Observation): Step[] {
  const { ticket, collection, lamportsPerByte } = observation;
  if (ticket.stage === 'done') return [];
  const steps: Step[] = [];
  if (order.collection && keys.collection && !collection.exists) {
    // By itself: mints of a new event race for it, and the loser's failure must take nothing else along.
    const chain = { lamports: collection.lamports, lamportsPerByte };
    steps.push({
      ...createCollection(order.collection.eventId, keys.authority.publicKey, keys.collection, chain),
      alone: true,
    });
  }
  const chain = { lamports: ticket.lamports, lamportsPerByte };
  steps.push(...(ticket.stage === 'absent' ? [createTicket(order, keys, chain)] : topUpRent(order, keys, chain)));
  steps.push(...describeTicket(order, keys, ticket.stage === 'open' ? ticket.metadata : null));
  const isMember = ticket.stage === 'open' && ticket.isMember;
  if (keys.collection && !isMember) steps.push(joinCollection(keys, keys.collection.publicKey));
  steps.push({ ...giveTicket(order, keys), completes: true });
  return steps;
}
