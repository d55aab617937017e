import { html as template } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';

/** Markup whose values are escaped already. */
export type Html = HtmlEscapedString;

/** What may stand in markup; what is not there is left out. */
export type Content = Html | string | number | false | null | undefined | readonly Content[];

/** Markup from a template: every value is escaped unless it is markup itself. Attribute values need their quotes. */
export function html(strings: TemplateStringsArray, ...values: readonly Content[]): Html {
  // It is a promise only where a value is one.
  return template(strings, ...values) as Html;
}
