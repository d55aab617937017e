import type { DemoProviders } from '../../packages/sandbox/src/demo/index.ts';

interface Step {
  name: string;
  type: string;
  status: string;
  attempts: number;
  result: Record<string, unknown> | null;
  error: { code: string; message: string } | null;
}

interface Flow {
  id: string;
  status: string;
  steps: Step[];
}

export interface Purchase {
  apiUrl: string;
  /** A service token of the buyer's venue. */
  token: string;
  /** The wallet that gets the ticket, base58. */
  ownerWallet: string;
  /** Tells this purchase apart from others. */
  orderId: string;
  print(line: string): void;
}

const waitMs = 60_000;

/**
 * Buys a ticket as a producer would, by HTTP alone.
 * @returns once it is accepted, what prints each step as it ends, and throws when the purchase does not succeed
 */
export async function buyTicket(purchase: Purchase): Promise<() => Promise<Flow>> {
  const { apiUrl, print, orderId } = purchase;
  const headers = { authorization: `Bearer ${purchase.token}`, 'content-type': 'application/json' };
  const posted = await fetch(`${apiUrl}/flows`, {
    method: 'POST',
    headers: { ...headers, 'idempotency-key': orderId },
    body: JSON.stringify({
      template: 'ticket-purchase',
      input: {
        payment: { orderId, amount: 4_900, currency: 'eur', paymentMethodId: 'pm_card_visa' },
        ticket: {
          ticketId: `ticket-${orderId}`,
          eventId: 'open-air-2027',
          ownerWallet: purchase.ownerWallet,
          metadata: {
            name: 'Open Air 2027, row 4 seat 12',
            symbol: 'OPEN27',
            uri: 'https://tickets.example/open-air-2027/4-12.json',
            attributes: { row: '4', seat: '12' },
          },
        },
        buyer: { email: 'ada@example.com' },
      },
    }),
  });
  const answer = (await posted.json()) as { flow: Flow };
  if (posted.status !== 202) throw new Error(`POST /flows answered ${posted.status}: ${JSON.stringify(answer)}`);
  print(`  POST /api/v1/queue/flows → 202, flow ${answer.flow.id}`);
  return () => follow(`${apiUrl}/flows/${answer.flow.id}`, headers, print);
}

async function follow(url: string, headers: Record<string, string>, print: (line: string) => void): Promise<Flow> {
  const told = new Set<string>();
  for (const deadline = Date.now() + waitMs; ; ) {
    const response = await fetch(url, { headers });
    const { flow } = (await response.json()) as { flow: Flow };
    for (const step of flow.steps.filter((step) => step.status === 'completed' && !told.has(step.name))) {
      told.add(step.name);
      const facts = Object.entries(step.result ?? {}).filter(
        ([, value]) => typeof value === 'string' || typeof value === 'number',
      );
      print(`  ${step.name} (${step.type}) completed: ${facts.map(([key, value]) => `${key} ${value}`).join(', ')}`);
    }
    if (flow.status === 'completed') return flow;
    if (flow.status !== 'running')
      throw new Error(
        `The purchase ended as ${flow.status}: ${JSON.stringify(flow.steps.map(({ name, error }) => ({ name, error })))}`,
      );
    if (Date.now() > deadline)
      throw new Error(
        `The purchase did not end within ${waitMs / 1_000} s: ${JSON.stringify(flow.steps.map(({ name, status }) => ({ name, status })))}`,
      );
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Reads back from the providers what the purchase left there. @throws when it is not what was bought */
export function showWhatIsThere(
  flow: Flow,
  providers: Pick<DemoProviders, 'sandbox' | 'solana'>,
  print: (line: string) => void,
): void {
  const mintAddress = String(flow.steps.find((step) => step.type === 'nft-mint')?.result?.['mintAddress']);
  const ticket = providers.solana.ticket(mintAddress);
  const holder = ticket?.holders[0];
  if (ticket === undefined || holder === undefined) throw new Error(`The chain knows no ticket ${mintAddress}`);
  print(`  on the chain: ${ticket.name} (${ticket.symbol}), supply ${ticket.supply}, owner ${holder.owner}`);
  print(
    `                ${ticket.attributes.map(([key, value]) => `${key} ${value}`).join(', ')}, mint authority ${ticket.mintAuthority ?? 'gone'}`,
  );
}
