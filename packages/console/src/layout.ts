import { type Content, type Html, html } from './html.ts';
import type { Session } from './login/sessions.ts';

export interface Page {
  readonly title: string;
  readonly body: Content;
  /** Null before the login. */
  readonly session: Session | null;
  /** Of the request, to mark where one is. */
  readonly path: string;
  /** What was done last, told once. */
  readonly notice: { readonly kind: 'good' | 'bad'; readonly text: string } | null;
}

interface Place {
  readonly href: string;
  readonly label: string;
  /** After `g` on the keyboard. */
  readonly key: string;
  readonly adminOnly?: true;
}

const places: readonly Place[] = [
  { href: '/admin', label: 'Overview', key: 'o' },
  { href: '/admin/jobs', label: 'Jobs', key: 'j' },
  { href: '/admin/money', label: 'Money', key: 'm' },
  { href: '/admin/dead-letters?status=open', label: 'Dead letters', key: 'd' },
  { href: '/admin/schedules', label: 'Schedules', key: 's' },
  { href: '/admin/flows', label: 'Flows', key: 'f' },
  { href: '/admin/webhooks', label: 'Webhooks', key: 'w' },
  { href: '/admin/reports', label: 'Reports', key: 'r' },
  { href: '/admin/tenants', label: 'Tenants', key: 't', adminOnly: true },
  { href: '/admin/audit', label: 'Audit log', key: 'a', adminOnly: true },
  { href: '/admin/queues', label: 'Bull Board', key: 'b', adminOnly: true },
];

/** A whole document. */
export function page({ title, body, session, path, notice }: Page): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>${title} · Queue console</title>
        <link rel="icon" href="/admin/assets/icon.svg" type="image/svg+xml">
        <link rel="stylesheet" href="/admin/assets/console.css">
        <script src="/admin/assets/console.js" defer></script>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the content</a>
        ${session !== null && navigation(session, path)}
        <main id="main" tabindex="-1">
          ${notice !== null && html`<p class="notice ${notice.kind}" role="status">${notice.text}</p>`}
          ${body}
        </main>
        ${session !== null && help(session)}
      </body>
    </html>`;
}

function navigation(session: Session, path: string): Html {
  const here = (href: string) => {
    const place = href.split('?', 1)[0] ?? href;
    return place === '/admin' ? path === place || path === `${place}/` : path.startsWith(place);
  };
  return html`
    <header>
      <a class="brand" href="/admin"><img src="/admin/assets/icon.svg" alt="" width="22" height="22">Queue console</a>
      <nav aria-label="Pages">
        ${visiblePlaces(session).map(
          ({ href, label, key }) =>
            html`<a href="${href}" data-key="${key}" ${here(href) && html`aria-current="page"`}>${label}</a>`,
        )}
      </nav>
      <div class="who">
        <span title="${session.roles.join(', ')}">${session.subject}</span>
        <span class="muted">${session.admin ? 'all tenants' : session.tenantId}</span>
        <form method="post" action="/admin/logout"><button class="quiet">Log out</button></form>
      </div>
    </header>`;
}

function help(session: Session): Html {
  const keys = visiblePlaces(session).map(({ label, key }) => [`g ${key}`, label] as const);
  const others = [
    ['/', 'to the first filter'],
    ['j, k', 'next, previous row'],
    ['Enter', 'open the row'],
    ['?', 'this list'],
  ] as const;
  return html`
    <dialog id="keys" aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">${[...others, ...keys].map(([key, what]) => html`<dt><kbd>${key}</kbd></dt><dd>${what}</dd>`)}</dl>
      <form method="dialog"><button>Close</button></form>
    </dialog>`;
}

function visiblePlaces(session: Session): Place[] {
  return places.filter(({ adminOnly }) => session.admin || adminOnly !== true);
}
