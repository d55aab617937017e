/**
 * A shop buys a ticket for a customer, then mails a hint and watches that mail go out.
 *
 *     QUEUE_URL=http://127.0.0.1:3011 QUEUE_TOKEN=… node main.ts <order id> <wallet>
 */
import { createQueueClient, type FlowResource } from '@queue-service/client';

const { QUEUE_URL: baseUrl, QUEUE_TOKEN: token } = process.env;
const [orderId, ownerWallet] = process.argv.slice(2);
if (!baseUrl || !token || !orderId || !ownerWallet) {
  throw new Error('QUEUE_URL, QUEUE_TOKEN, and as arguments an order id and a wallet are required');
}
const client = createQueueClient({ baseUrl, token });

const ordered = await client.flows.create({
  template: 'ticket-purchase',
  input: {
    payment: { orderId, amount: 4_900, currency: 'eur', paymentMethodId: 'pm_card_visa' },
    ticket: {
      ticketId: `ticket-${orderId}`,
      eventId: 'open-air-2027',
      ownerWallet,
      metadata: {
        name: 'Open Air 2027, row 4 seat 12',
        symbol: 'OPEN27',
        uri: 'https://tickets.example/open-air-2027/4-12.json',
        attributes: { row: '4', seat: '12' },
      },
    },
    buyer: { email: 'ada@example.com' },
  },
  // However often this program runs, the order is paid once.
  options: { idempotencyKey: `order-${orderId}` },
});
const flow = await client.flows.waitFor(ordered.id);
if (flow.status !== 'completed') throw new Error(`The purchase ended as ${flow.status}: ${flow.error?.message}`);

// The type of a job is the type of its result.
const { paymentIntentId } = await client.jobs.waitFor({ id: jobOf(flow, 'payment'), type: 'payment-process' });
const { mintAddress } = await client.jobs.waitFor({ id: jobOf(flow, 'mint'), type: 'nft-mint' });

const hint = await client.jobs.add(
  'send-email',
  { to: 'ada@example.com', subject: 'Doors open at 7', text: 'Bring the wallet that holds your ticket.' },
  { idempotencyKey: `hint-${orderId}` },
);
for await (const { event, data } of client.jobs.events(hint)) {
  if (event === 'status') console.error(`hint: ${data.status}`);
  if (event === 'end') console.log(JSON.stringify({ paymentIntentId, mintAddress, mail: data.job.result?.messageId }));
}

function jobOf({ steps }: FlowResource, name: string): string {
  const id = steps.find((step) => step.name === name)?.jobId;
  if (id == null) throw new Error(`The step ${name} has no job`);
  return id;
}
