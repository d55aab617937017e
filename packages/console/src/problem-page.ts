import { ProblemError } from '@queue-service/client';
import { type Html, html } from './html.ts';

/** What is shown instead of a page that could not be made, and its status. */
export function problemPage(error: unknown): { status: number; title: string; body: Html } {
  if (!(error instanceof ProblemError)) {
    const told = 'The API did not answer. Nothing is known to have been changed; look before you try again.';
    return { status: 502, title: 'No answer', body: shown('No answer', told) };
  }
  const { status, code, detail, errors, requestId } = error;
  const title = status === 404 ? 'Not found' : status === 403 ? 'Not allowed' : 'The API refused';
  return {
    status,
    title,
    body: html`${shown(title, detail)}
      ${
        errors.length > 0 &&
        html`<ul class="problems">${errors.map(({ path, message: why }) => html`<li><code>${path}</code> ${why}</li>`)}</ul>`
      }
      <p class="muted">Code <code>${code}</code>${requestId !== undefined && html`, request <code>${requestId}</code>`}</p>`,
  };
}

function shown(title: string, told: string | null): Html {
  return html`<h1>${title}</h1>${told !== null && html`<p class="notice bad" role="alert">${told}</p>`}`;
}
