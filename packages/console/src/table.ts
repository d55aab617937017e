import { type Content, type Html, html } from './html.ts';

export interface Column<Row> {
  readonly name: string;
  readonly cell: (row: Row) => Content;
  readonly number?: true;
  /** Prose or lists, which may be broken into lines; what is not stays whole, such as names and states. */
  readonly text?: true;
}

/** A list as a table; on a phone each row stands as a block of its own. */
export function table<Row>(caption: string, rows: readonly Row[], columns: readonly (Column<Row> | false)[]): Html {
  if (rows.length === 0) return html`<p class="empty card">Nothing to show.</p>`;
  const shown = columns.filter((column) => column !== false);
  return html`
    <div class="scroll">
      <table class="stack">
        <caption class="hidden">${caption}</caption>
        <thead><tr>${shown.map(({ name, number }) => html`<th scope="col" class="${number && 'number'}">${name}</th>`)}</tr></thead>
        <tbody>
          ${rows.map(
            (row) =>
              html`<tr>${shown.map(({ name, cell, number, text }) => html`<td class="${number ? 'number' : text && 'text'}" data-label="${name}"><div class="cell">${cell(row)}</div></td>`)}</tr>`,
          )}
        </tbody>
      </table>
    </div>`;
}

/** The way to the next page of a list, with the filters kept. */
export function nextPage(path: string, filters: Readonly<Record<string, unknown>>, nextCursor: string | null): Html {
  const given = Object.entries({ ...filters, cursor: nextCursor ?? undefined }).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as [string, string]] : [],
  );
  const { cursor } = filters;
  const first = given.filter(([name]) => name !== 'cursor');
  return html`
    <p class="next">
      ${typeof cursor === 'string' && html`<a class="button" href="${path}?${String(new URLSearchParams(first))}">Newest</a>`}
      ${nextCursor !== null && html`<a class="button" rel="next" href="${path}?${String(new URLSearchParams(given))}">Older</a>`}
    </p>`;
}
