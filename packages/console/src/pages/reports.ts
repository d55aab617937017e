import type { JobInput, JobResource } from '@queue-service/client';
import { contracts } from '@queue-service/contracts';
import type { Router } from 'express';
import type { Call, Handlers } from '../call.ts';
import { input, select } from '../fields.ts';
import { ago, badge, count } from '../format.ts';
import { type Html, html } from '../html.ts';
import { nextPage, table } from '../table.ts';

const { kind, format } = contracts['generate-report'].payload.shape;

/** Reports: ask for one, see them come. */
export function reportPages(router: Router, { view, change, file }: Handlers): void {
  router.get(
    '/reports',
    view(async (call) => {
      const filters = call.filters<Record<string, string>>();
      const { jobs, nextCursor } = await call.client.jobs.list({ ...filters, type: 'generate-report' });
      const today = new Date(call.nowMs).toISOString().slice(0, 10);
      const monthAgo = new Date(call.nowMs - 30 * 86_400_000).toISOString().slice(0, 10);
      return {
        title: 'Reports',
        body: html`
          <h1>Reports</h1>
          <form method="post" action="/admin/reports" class="card">
            <div class="fields">
              ${select('kind', 'Report', kind.options, 'settlement', null)}
              ${input('from', 'From (UTC, inclusive)', monthAgo, { type: 'date', required: true })}
              ${input('to', 'To (UTC, exclusive)', today, { type: 'date', required: true })}
              ${select('format', 'Format', format.options, 'xlsx', null)}
            </div>
            <button class="primary">Make it</button>
          </form>
          <div id="live" data-live="3">
            ${table('Reports', jobs, [
              {
                name: 'Report',
                cell: ({ id, result }) => html`<a href="/admin/jobs/${id}">${kindOf(result)}</a>`,
              },
              { name: 'Status', cell: ({ status }) => badge(status) },
              { name: 'Period', cell: ({ result }) => periodOf(result) },
              { name: 'File', cell: ({ result }) => result !== null && fileOf(result) },
              call.session.admin && { name: 'Tenant', cell: ({ tenantId }) => tenantId },
              {
                name: 'Rows',
                number: true,
                cell: ({ result }) => typeof result?.['rows'] === 'number' && count(result['rows']),
              },
              { name: 'Asked for', cell: ({ createdAt }) => ago(createdAt, call.nowMs) },
              {
                name: 'Error',
                cell: ({ error }) => error !== null && html`<code title="${error.message}">${error.code}</code>`,
              },
            ])}
          </div>
          ${nextPage('/admin/reports', filters, nextCursor)}`,
      };
    }),
  );

  router.get(
    '/reports/:id/file',
    file((call) => `/reports/${encodeURIComponent(call.param('id'))}`),
  );

  router.post(
    '/reports',
    change(async (call) => {
      await call.client.jobs.add('generate-report', reportOf(call));
      return { to: '/admin/reports', told: 'The report is being made.' };
    }),
  );
}

function reportOf({ field }: Call): JobInput<'generate-report'> {
  return {
    kind: field('kind') as JobInput<'generate-report'>['kind'],
    format: field('format') as JobInput<'generate-report'>['format'],
    from: `${field('from')}T00:00:00Z`,
    to: `${field('to')}T00:00:00Z`,
  };
}

function kindOf(result: JobResource['result']): string {
  return typeof result?.['kind'] === 'string' ? result['kind'] : 'report';
}

function periodOf(result: JobResource['result']): string {
  const { from, to } = result ?? {};
  return typeof from === 'string' && typeof to === 'string' ? `${from.slice(0, 10)} to ${to.slice(0, 10)}` : '';
}

function fileOf({ reportId, format: kindOfFile, bytes }: NonNullable<JobResource['result']>): Html {
  const size = `${count(Number(bytes) / 1_000)} kB`;
  return html`<a href="/admin/reports/${String(reportId)}/file" download>${String(kindOfFile)}, ${size}</a>`;
}
