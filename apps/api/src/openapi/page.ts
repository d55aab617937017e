import { createHash } from 'node:crypto';
import type { MediaType, OpenApiDocument, Operation } from './document.ts';
import type { JsonSchema } from './schemas.ts';

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { margin: 0 auto; max-width: 62rem; padding: 1rem 1.5rem 4rem }
code, pre { font: .85rem/1.45 ui-monospace, monospace }
pre { overflow: auto; padding: .6rem; border: 1px solid #8884; border-radius: .3rem }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid #8883 }
section { border-top: 2px solid #8886; margin-top: 2rem } summary { cursor: pointer }
.method { display: inline-block; min-width: 4.2rem; font-weight: 700 } nav li { list-style: none } nav ul { padding: 0; columns: 2 }
`;

/** Nothing is fetched, nothing runs: the page is text and one style, which the policy names by its hash. */
export const DOCS_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/**
 * The document as a page to read. Written here and not by one of the usual viewers: those are megabytes of script that need
 * inline styles, and this must work offline under {@link DOCS_POLICY}.
 */
export function docsPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${html(document.info.title)} ${html(document.info.version)}</title><style>${STYLE}</style></head><body>
<h1>${html(document.info.title)} <small>${html(document.info.version)}</small></h1>
<p>${html(document.info.description)} The same as a document: <a href="openapi.json">openapi.json</a>.</p>
<nav><ul>${operations
    .map(({ path, method, operation }) => {
      return `<li><a href="#${operation.operationId}"><code><span class="method">${method}</span> ${html(path)}</code></a></li>`;
    })
    .join('\n')}</ul></nav>
${operations.map(operationSection).join('\n')}
<section id="schemas"><h2>Schemas</h2>
${Object.entries(document.components.schemas)
  .map(([name, schema]) => `<h3 id="schema-${html(name)}">${html(name)}</h3>${schemaText(schema)}`)
  .join('\n')}</section>
</body></html>
`;
}

function operationSection({ path, method, operation }: { path: string; method: string; operation: Operation }): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  return `<section id="${operationId}"><h2><code><span class="method">${method}</span> ${html(path)}</code></h2>
<p>${html(summary)}. ${html(description)}</p>
${parameters.length === 0 ? '' : parameterTable(parameters)}
${Object.entries(requestBody?.content ?? {})
  .map(([type, media]) => `<h3>Body <code>${html(type)}</code></h3>${mediaText(media)}`)
  .join('\n')}
<h3>Answers</h3>
${Object.entries(responses)
  .map(([status, answer]) => {
    const contents = Object.entries(answer.content ?? {})
      .map(([type, media]) => `<p><code>${html(type)}</code></p>${mediaText(media)}`)
      .join('\n');
    return `<details><summary><strong>${status}</strong> ${html(answer.description)}</summary>${contents}</details>`;
  })
  .join('\n')}</section>`;
}

function parameterTable(parameters: Operation['parameters']): string {
  const rows = parameters.map(
    ({ name, in: where, required, description = '', schema }) =>
      `<tr><td><code>${html(name)}</code></td><td>${where}${required ? ', required' : ''}</td><td>${html(description)} <code>${html(JSON.stringify(schema))}</code></td></tr>`,
  );
  return `<table><tbody>${rows.join('')}</tbody></table>`;
}

function mediaText({ schema, examples = {} }: MediaType): string {
  const shown = Object.entries(examples).map(
    ([name, { summary, value }]) =>
      `<details><summary>Example ${html(name)}${summary === undefined ? '' : `: ${html(summary)}`}</summary><pre>${html(JSON.stringify(value, null, 2))}</pre></details>`,
  );
  return `${schema === undefined ? '' : schemaText(schema)}${shown.join('')}`;
}

/** With its references as links. */
function schemaText(schema: JsonSchema): string {
  const text = html(JSON.stringify(schema, null, 2));
  return `<pre>${text.replaceAll(/#\/components\/schemas\/(\w+)/g, (_, name: string) => `<a href="#schema-${name}">${name}</a>`)}</pre>`;
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
