import { escapeHtml } from '../http/escape-html.ts';

/** A dynamic template as it is known to the sandbox, for showing rendered mails. */
export interface MailTemplate {
  subject: string;
  html?: string;
  text?: string;
}

/** Fills `{{name}}` (escaped) and `{{{name}}}` (as it is); blocks and helpers of Handlebars are left as they stand. */
export function renderTemplate(template: string, data: Record<string, unknown>): string {
  return template
    .replace(/\{\{\{\s*([\w.]+)\s*\}\}\}/g, (_all, path: string) => valueAt(data, path))
    .replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_all, path: string) => escapeHtml(valueAt(data, path)));
}

function valueAt(data: unknown, path: string): string {
  let value = data;
  for (const name of path.split('.')) {
    value = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
  }
  return value === undefined || value === null ? '' : String(value);
}
