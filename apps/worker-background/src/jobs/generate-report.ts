import { type JobPayload, type JobResult, PermanentError } from '@queue-service/contracts';
import { findReportOfJob, type ReportRecord, recordReport } from '@queue-service/persistence';
import type { Handler, JobContext, Runtime } from '@queue-service/queue';
import type { ReportStorage } from '@queue-service/report-storage';
import type { ReportTable } from '../reports/table.ts';
import { deadLetterTable } from '../reports/tables/dead-letters.ts';
import { queueHealthTable } from '../reports/tables/queue-health.ts';
import { settlementTable } from '../reports/tables/settlement.ts';
import type { TableOf } from '../reports/tables/table-of.ts';
import { writeReport } from '../reports/write-report.ts';
import { scopeOf } from '../scope.ts';

export interface ReportParts {
  runtime: Runtime;
  storage: ReportStorage | null;
  publicUrl: string | null;
}

type Payload = JobPayload<'generate-report'>;
type Result = JobResult<'generate-report'>;

const tables: Readonly<Record<Payload['kind'], TableOf>> = {
  settlement: settlementTable,
  'dead-letters': deadLetterTable,
  'queue-health': queueHealthTable,
};

/**
 * Writes a report, notes it, and has it mailed. A job has one report, under the job's id: a repeat that finds it noted
 * writes nothing, one that does not writes over what an earlier attempt has left.
 */
export function createGenerateReport({ runtime, storage, publicUrl }: ReportParts): Handler<'generate-report'> {
  async function write(payload: Payload, ctx: JobContext): Promise<Result> {
    if (storage === null) {
      throw new PermanentError({ code: 'storage_not_configured', message: 'REPORT_STORAGE_URL is not set' });
    }
    const { kind, format } = payload;
    const [from, to] = [new Date(payload.from), new Date(payload.to)];
    const location = `${ctx.createdAt.toISOString().slice(0, 7)}/${ctx.jobId}.${format}`;
    const { rows, bytes } = await writeReport({
      table: await tableOf(runtime, payload, ctx),
      format,
      storage,
      name: location,
      signal: ctx.signal,
      onRows: (count) => ctx.progress({ rows: count }),
    });
    const report = {
      id: ctx.jobId,
      jobId: ctx.jobId,
      tenantId: ctx.tenantId,
      kind,
      format,
      from,
      to,
      location,
      rows,
      bytes,
    };
    await recordReport(runtime.db, report);
    return resultOf(report);
  }

  async function mail(payload: Payload, ctx: JobContext, to: string, report: Result): Promise<void> {
    const link = publicUrl === null ? report.url : new URL(report.url, publicUrl).href;
    const period = `${payload.from} to ${payload.to}`;
    const subject = `Your ${payload.kind} report`;
    const text = `Your ${payload.kind} report (${payload.format}) for ${period} is ready, with ${report.rows} rows:\n\n${link}\n`;
    await runtime.producer.accept([
      {
        type: 'send-email',
        tenantId: ctx.tenantId,
        idempotencyKey: `report:${ctx.jobId}`,
        data: { to, subject, text, categories: ['report'] },
        requestId: ctx.requestId,
      },
    ]);
  }

  return async (payload, ctx) => {
    const known = await findReportOfJob(runtime.db, ctx.jobId);
    const report = known === null ? await write(payload, ctx) : resultOf(known);
    if (payload.emailTo !== undefined) await mail(payload, ctx, payload.emailTo, report);
    return report;
  };
}

async function tableOf(runtime: Runtime, payload: Payload, ctx: JobContext): Promise<ReportTable> {
  const tenantId = scopeOf(ctx.tenantId);
  const content = await tables[payload.kind](runtime.db, {
    from: new Date(payload.from),
    to: new Date(payload.to),
    tenantId,
  });
  return {
    ...content,
    pages: lazily(content.pages),
    about: [`From ${payload.from} to ${payload.to}`, tenantId === null ? 'All venues' : `Venue ${tenantId}`],
    createdAt: ctx.createdAt,
  };
}

async function* lazily<Page>(pages: AsyncIterable<Page> | Iterable<Page>): AsyncGenerator<Page> {
  yield* pages;
}

function resultOf({ id, kind, from, to, rows, bytes, format }: ReportRecord): Result {
  const period = { from: from.toISOString(), to: to.toISOString() };
  return { reportId: id, kind, ...period, rows, bytes, format, url: `/api/v1/queue/reports/${id}` };
}
