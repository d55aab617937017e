import type { Router } from 'express';
import type { Call, Handlers } from '../call.ts';
import { filterForm, input } from '../fields.ts';
import { at, shortId } from '../format.ts';
import { type Html, html } from '../html.ts';
import { nextPage, table } from '../table.ts';

type Filters = NonNullable<Parameters<Call['client']['auditLog']['list']>[0]>;

/** Who did what. */
export function auditPages(router: Router, { view }: Handlers): void {
  router.get(
    '/audit',
    view(async (call) => {
      const filters = call.filters<Filters>('actor', 'action', 'resource', 'resourceId');
      const { entries, nextCursor } = await call.client.auditLog.list(filters);
      return {
        title: 'Audit log',
        body: html`
          <h1>Audit log</h1>
          ${filterForm('/admin/audit', [
            input('actor', 'Who', filters.actor),
            input('action', 'Action', filters.action, { placeholder: 'queue.pause' }),
            input('resource', 'Kind of thing', filters.resource),
            input('resourceId', 'Its id', filters.resourceId),
          ])}
          ${table('Audit log', entries, [
            { name: 'When', cell: ({ createdAt }) => at(createdAt) },
            { name: 'Who', cell: ({ actor, roles }) => html`<span title="${roles.join(', ')}">${actor}</span>` },
            { name: 'Did', cell: ({ action }) => html`<strong>${action}</strong>` },
            { name: 'To', cell: ({ resource, resourceId }) => thing(resource, resourceId) },
            { name: 'Tenant', cell: ({ tenantId }) => tenantId },
            { name: 'Before and after', text: true, cell: ({ before, after }) => changeOf(before, after) },
          ])}
          ${nextPage('/admin/audit', { ...filters }, nextCursor)}`,
      };
    }),
  );
}

const pages: Readonly<Record<string, string>> = {
  job: 'jobs',
  'dead-letter': 'dead-letters',
  schedule: 'schedules',
  flow: 'flows',
  webhook: 'webhooks',
  tenant: 'tenants',
};

function thing(resource: string, id: string | null): Html {
  const place = pages[resource];
  if (id === null) return html`${resource}`;
  return place === undefined
    ? html`${resource} ${shortId(id)}`
    : html`<a href="/admin/${place}/${encodeURIComponent(id)}">${resource} ${shortId(id)}</a>`;
}

/** What other columns tell, and what changes with every change. */
const told: readonly string[] = ['id', 'tenantId', 'createdAt', 'updatedAt'];

/** Only what differs: whole things make no column of a table. */
function changeOf(before: Record<string, unknown> | null, after: Record<string, unknown> | null): Html {
  const names = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])].filter(
    (name) => !told.includes(name),
  );
  const changed = names.filter((name) => JSON.stringify(before?.[name]) !== JSON.stringify(after?.[name])).slice(0, 6);
  return html`${changed.map((name) => html`<div><span class="muted">${name}</span> ${before !== null && html`<code>${brief(before[name])}</code> → `}<code>${brief(after?.[name])}</code></div>`)}`;
}

function brief(value: unknown): string {
  const text = value === undefined ? '–' : typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 59)}…` : text;
}
