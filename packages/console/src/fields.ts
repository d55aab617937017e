import { type Content, type Html, html } from './html.ts';

/** A choice of a form. */
export function select(
  name: string,
  label: string,
  options: readonly string[],
  chosen: string | undefined,
  any: string | null = 'any',
): Html {
  return html`
    <div>
      <label for="${name}">${label}</label>
      <select id="${name}" name="${name}">
        ${any !== null && html`<option value="">${any}</option>`}
        ${options.map((option) => html`<option ${option === chosen && html`selected`}>${option}</option>`)}
      </select>
    </div>`;
}

export interface InputOptions {
  readonly type?: string;
  readonly required?: boolean;
  readonly placeholder?: string;
  readonly hint?: Content;
}

export function input(name: string, label: string, value: string | undefined, options: InputOptions = {}): Html {
  const { type = 'text', required = false, placeholder = '', hint } = options;
  return html`
    <div>
      <label for="${name}">${label}</label>
      <input id="${name}" name="${name}" type="${type}" value="${value ?? ''}" placeholder="${placeholder}" ${required && html`required`} ${hint !== undefined && html`aria-describedby="${name}-hint"`}>
      ${hint !== undefined && html`<small class="muted" id="${name}-hint">${hint}</small>`}
    </div>`;
}

/** The filters of a list. */
export function filterForm(path: string, fields: Content): Html {
  return html`
    <form class="filters" method="get" action="${path}" role="search" aria-label="Filters">
      ${fields}
      <div><button>Show</button></div>
    </form>`;
}

/** A change by one button. */
export function action(path: string, label: string, options: { className?: string; confirm?: string } = {}): Html {
  const { className = '', confirm } = options;
  return html`
    <form method="post" action="${path}">
      <button class="${className}" ${confirm !== undefined && html`data-confirm="${confirm}"`}>${label}</button>
    </form>`;
}
