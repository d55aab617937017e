import { findReport } from '@queue-service/persistence';
import { type Runtime, whileDatabaseAvailable } from '@queue-service/queue';
import type { ReportStorage } from '@queue-service/report-storage';
import { z } from 'zod';
import { Problem } from '../http/problem.ts';
import { type Route, route } from '../http/route.ts';

const mediaTypes: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pdf: 'application/pdf',
};

export function reportRoutes({ db }: Pick<Runtime, 'db'>, storage: ReportStorage | null): Route[] {
  return [
    route({
      method: 'get',
      path: '/reports/:id',
      access: 'user',
      summary: 'Download a finished report',
      params: z.object({ id: z.uuid() }),
      answers: {
        200: { mediaType: 'application/octet-stream', otherMediaTypes: Object.values(mediaTypes), stream: true },
      },
      problems: ['not_found', 'gone', 'database_unavailable'],
      handler: async ({ params: { id }, actor }) => {
        const report = await whileDatabaseAvailable(() => findReport(db, id, actor.scope));
        if (report === null || storage === null) throw new Problem('not_found');
        const body = report.deletedAt === null ? await storage.open(report.location) : null;
        if (body === null) throw new Problem('gone', { detail: 'The file of the report has been removed' });
        const { kind, format, from, to, bytes } = report;
        const name = `${kind}-${day(from)}-${day(to)}.${format}`;
        const mediaType = mediaTypes[format] ?? 'application/octet-stream';
        const headers = {
          'Content-Type': format === 'csv' ? `${mediaType}; charset=utf-8` : mediaType,
          'Content-Length': String(bytes),
          'Content-Disposition': `attachment; filename="${name}"`,
        };
        return { status: 200, body, headers };
      },
    }),
  ];
}

function day(at: Date): string {
  return at.toISOString().slice(0, 10);
}
