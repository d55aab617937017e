import type { Ticket } from './ticket.ts';

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 48rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0; }
dt { color: #888; } dd { margin: 0; overflow-wrap: anywhere; }`;

/** What the chain says of one ticket, as a page. Every text on it was written by somebody else, and is escaped. */
export function ticketPage(ticket: Ticket): string {
  const chain = [
    ['Mint', ticket.mintAddress],
    ['Supply', ticket.supply.toString()],
    ['Decimals', String(ticket.decimals)],
    ['Mint authority', ticket.mintAuthority ?? 'removed: no second one can be made'],
    ['Transferable', ticket.transferable ? 'yes' : 'no'],
    ['Collection', ticket.collection ?? 'none'],
  ] as const;
  const holders = ticket.holders.flatMap(({ owner, tokenAccount, amount }) => [
    ['Owner', owner] as const,
    ['Token account', tokenAccount] as const,
    ['Holds', amount.toString()] as const,
  ]);
  const metadata = [['Symbol', ticket.symbol] as const, ['URI', ticket.uri] as const, ...ticket.attributes];
  return page(ticket.name || 'Unnamed token', [
    ['On the chain', chain],
    ['In the wallet', holders],
    ['Metadata', metadata],
  ]);
}

export function noTicketPage(address: string): string {
  return page('No such ticket', [['Looked for', [['Mint', address]]]]);
}

type Section = readonly [heading: string, rows: readonly (readonly [name: string, value: string])[]];

function page(title: string, sections: readonly Section[]): string {
  const body = sections
    .map(([heading, rows]) => `<h2>${escapeHtml(heading)}</h2>\n<dl>${rows.map(row).join('')}</dl>`)
    .join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title><style>${STYLE}</style></head>
<body><h1>${escapeHtml(title)}</h1>
${body}
</body></html>`;
}

function row([name, value]: readonly [string, string]): string {
  return `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
