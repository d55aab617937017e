import { type Html, html } from './html.ts';

/** An instant as it is read at a glance: how long ago, the exact time on hover and for machines. */
export function ago(iso: string | null, nowMs: number): Html {
  if (iso === null) return html`<span class="muted">–</span>`;
  const ms = nowMs - Date.parse(iso);
  const text = Math.abs(ms) < 1_000 ? 'now' : ms > 0 ? `${duration(ms)} ago` : `in ${duration(-ms)}`;
  return html`<time datetime="${iso}" title="${exact(iso)}">${text}</time>`;
}

/** An instant to the millisecond, in UTC. */
export function at(iso: string | null): Html {
  if (iso === null) return html`<span class="muted">–</span>`;
  return html`<time datetime="${iso}">${exact(iso)}</time>`;
}

function exact(iso: string): string {
  return new Date(iso).toISOString().replace('T', ' ').replace('Z', ' UTC').replace('.000', '');
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
] as const;

/** `3 min`, `1.5 h`, `200 ms`. */
export function duration(ms: number): string {
  for (const [name, size] of units) {
    if (ms >= size) {
      const value = ms / size;
      return `${value < 10 && name !== 's' ? Number(value.toFixed(1)) : Math.floor(value)} ${name}`;
    }
  }
  return `${Math.round(ms)} ms`;
}

/** Minor units as money. */
export function money(amount: number, currency: string): string {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: currency.toUpperCase() });
  return format.format(amount / 10 ** (format.resolvedOptions().maximumFractionDigits ?? 2));
}

export function count(value: number): string {
  return new Intl.NumberFormat('en', { maximumFractionDigits: 1 }).format(value);
}

/** A status as a word with its colour. */
export function badge(status: string): Html {
  return html`<span class="badge ${status}">${status}</span>`;
}

/** A long id short enough for a table, whole on hover and on the page of the thing. */
export function shortId(id: string): Html {
  return html`<span title="${id}">${id.length > 30 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id}</span>`;
}

/** Free-form data. */
export function json(value: unknown): Html {
  return html`<pre tabindex="0">${JSON.stringify(value, null, 2) ?? ''}</pre>`;
}
