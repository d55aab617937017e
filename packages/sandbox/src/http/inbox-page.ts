import { escapeHtml } from './escape-html.ts';
import type { InboxEntry, Provider } from './provider.ts';

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; border-bottom: 1px solid #8886; padding-bottom: .2rem; margin-top: 2rem; }
article { margin: .8rem 0; padding: .6rem .9rem; border: 1px solid #8885; border-radius: .4rem; }
article h3 { margin: 0; font-size: 1rem; } time { float: right; color: #888; font-size: .85rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: .3rem 0; font-size: .9rem; }
dt { color: #888; } dd { margin: 0; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; }
iframe { width: 100%; height: 18rem; border: 1px solid #8885; background: #fff; }
.none { color: #888; }`;

/** Newest entries shown a section; the rest is counted. */
const SHOWN = 100;

/** Everything that arrived at the providers, newest first. Scripts and network are off, in the mails too. */
export function inboxPage(providers: readonly Provider[]): string {
  const sections = new Map<string, InboxEntry[]>();
  for (const provider of providers) {
    for (const entry of provider.inbox()) sections.set(entry.section, [...(sections.get(entry.section) ?? []), entry]);
  }
  const body = [...sections].map(([name, entries]) => section(name, entries)).join('\n');
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Provider sandbox: what arrived</title><style>${STYLE}</style></head>
<body><h1>Provider sandbox: what arrived</h1>
<p>Simulated: ${providers.map((p) => escapeHtml(p.name)).join(', ')}. Reload to see what is new.</p>
${body || '<p class="none">Nothing has arrived yet.</p>'}
</body></html>`;
}

function section(name: string, entries: InboxEntry[]): string {
  const newest = entries.toSorted((a, b) => b.at - a.at);
  const more = newest.length > SHOWN ? `<p class="none">and ${newest.length - SHOWN} older</p>` : '';
  return `<h2>${escapeHtml(name)} (${entries.length})</h2>\n${newest.slice(0, SHOWN).map(article).join('\n')}${more}`;
}

function article(entry: InboxEntry): string {
  const when = new Date(entry.at).toISOString();
  const fields = Object.entries(entry.fields).map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  const text = entry.text === undefined ? '' : `<pre>${escapeHtml(entry.text)}</pre>`;
  // The empty sandbox attribute takes scripts, forms and same-origin from the mail; the page's policy takes its images.
  const html =
    entry.html === undefined ? '' : `<iframe sandbox="" title="mail" srcdoc="${escapeHtml(entry.html)}"></iframe>`;
  return `<article><time datetime="${when}">${when}</time><h3>${escapeHtml(entry.title)}</h3><dl>${fields.join('')}</dl>${text}${html}</article>`;
}
