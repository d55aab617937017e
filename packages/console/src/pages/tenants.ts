import { queueNames } from '@queue-service/contracts';
import type { Router } from 'express';
import type { Call, Handlers } from '../call.ts';
import { filterForm, input } from '../fields.ts';
import { at } from '../format.ts';
import { type Html, html } from '../html.ts';
import { table } from '../table.ts';

const path = '/admin/tenants';
/** What a share is counted of, in each queue: one page of a list. */
const counted = 100;

/** What share of the queues tenants take, and what they may. For admins. */
export function tenantPages(router: Router, { view, change }: Handlers): void {
  router.get(
    '/tenants',
    view(async (call) => {
      const one = call.query('id');
      const shares = await sharesOf(call);
      const ids = [...new Set([...(one === undefined ? [] : [one]), ...shares.keys()])];
      const limits = await Promise.all(ids.map((id) => call.client.tenants.limits(id)));
      const rows = limits.map(({ limits: of }) => ({ ...of, share: shares.get(of.tenantId) ?? 0 }));
      return {
        title: 'Tenants',
        body: html`
          <h1>Tenants</h1>
          ${filterForm(path, input('id', 'Another tenant', undefined, { required: true, placeholder: 'venue-1' }))}
          ${table('Tenants', rows, [
            {
              name: 'Tenant',
              cell: ({ tenantId }) => html`<a href="${path}/${encodeURIComponent(tenantId)}">${tenantId}</a>`,
            },
            { name: 'Weight', number: true, cell: ({ weight }) => weight },
            { name: `Share of the latest jobs`, cell: ({ share }) => shareBar(share) },
            { name: 'Runs at once', number: true, cell: ({ maxRunning }) => maxRunning ?? 'no limit' },
            { name: 'Starts a second', number: true, cell: ({ maxPerSecond }) => maxPerSecond ?? 'no limit' },
          ])}
          <p class="muted">Counted of the latest ${counted} jobs of each queue.</p>`,
      };
    }),
  );

  router.get(
    '/tenants/:id',
    view(async (call) => {
      const { limits } = await call.client.tenants.limits(call.param('id'));
      const { tenantId, weight, maxRunning, maxPerSecond, updatedAt, updatedBy } = limits;
      const hint = 'empty: no limit';
      return {
        title: tenantId,
        body: html`
          <h1>${tenantId}</h1>
          <form method="post" action="${path}/${encodeURIComponent(tenantId)}" class="card">
            <div class="fields">
              ${input('weight', 'Weight (1 to 100)', String(weight), { type: 'number', required: true, hint: 'turns, in relation to others' })}
              ${input('maxRunning', 'Jobs at once, in each queue', text(maxRunning), { type: 'number', hint })}
              ${input('maxPerSecond', 'Jobs that start in a second, in each queue', text(maxPerSecond), { type: 'number', hint })}
            </div>
            <button class="primary">Set</button>
          </form>
          <p class="muted">${updatedBy === null ? 'These are the defaults.' : html`Set ${at(updatedAt)} by ${updatedBy}.`} They hold for jobs that start from now on.</p>`,
      };
    }),
  );

  router.post(
    '/tenants/:id',
    change(async (call) => {
      const id = call.param('id');
      await call.client.tenants.setLimits(id, {
        weight: Number(call.field('weight')),
        maxRunning: limitOf(call.field('maxRunning')),
        maxPerSecond: limitOf(call.field('maxPerSecond')),
      });
      return { to: `${path}/${encodeURIComponent(id)}`, told: `The limits of ${id} are set.` };
    }),
  );
}

/** Tenants by their share (0 to 1) of the latest jobs, the largest first. */
async function sharesOf({ client }: Call): Promise<Map<string, number>> {
  const lists = await Promise.all(queueNames.map((queue) => client.jobs.list({ queue, limit: String(counted) })));
  const jobs = lists.flatMap((list) => list.jobs);
  const counts = Map.groupBy(jobs, ({ tenantId }) => tenantId);
  return new Map(
    [...counts].map(([id, of]) => [id, of.length / jobs.length] as const).toSorted(([, a], [, b]) => b - a),
  );
}

function shareBar(share: number): Html {
  const percent = Math.round(share * 100);
  return html`
    ${percent} %
    <svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
      <rect class="whole" width="100" height="6"/><rect class="part" width="${percent}" height="6"/>
    </svg>`;
}

function text(limit: number | null): string {
  return limit === null ? '' : String(limit);
}

function limitOf(field: string | undefined): number | null {
  return field === undefined ? null : Number(field);
}
