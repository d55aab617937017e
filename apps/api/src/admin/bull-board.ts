import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { contractOf, isJobType, masked, maskPersonalData } from '@queue-service/contracts';
import type { Connections, Envelope } from '@queue-service/queue';
import type { Job } from 'bullmq';
import type { RequestHandler } from 'express';

/** A job as Bull Board may show it: of its data only what is no personal data and no address with a secret in it. */
class MaskingAdapter extends BullMQAdapter {
  override async getJob(id: string): Promise<Job | undefined> {
    const job = await super.getJob(id);
    return job === undefined ? undefined : masking(job);
  }

  override async getJobs(...range: Parameters<BullMQAdapter['getJobs']>): Promise<Job[]> {
    return (await super.getJobs(...range)).map(masking);
  }
}

function masking(job: Job): Job {
  const shown = { ...job.toJSON(), data: shownData(job.name, job.data) };
  job.toJSON = () => shown;
  return job;
}

/** A money job has nothing of its own in Redis. */
function shownData(type: string, data: Partial<Envelope>): object {
  const { payload, tenantId, flow, attempts, maxAttempts, attemptLog, requestId, traceId } = data;
  if (tenantId === undefined) return { note: 'The ledger has the data of money jobs' };
  const shown = isJobType(type) ? maskPersonalData(payload, contractOf(type).personalData) : masked;
  return { tenantId, payload: shown, flow, attempts, maxAttempts, attemptLog, requestId, traceId };
}

/**
 * Bull Board over the queues. It stands behind the console's login, which lets admins in only and carries out what its
 * buttons ask for by the API; it reads, and writes nothing.
 */
export function bullBoard(connections: Connections, basePath: string): RequestHandler {
  const adapter = new LocalOnlyAdapter();
  adapter.setBasePath(basePath);
  createBullBoard({
    queues: connections.all.map(
      ({ queue }) =>
        new MaskingAdapter(queue, {
          externalJobUrl: ({ id }) => ({ href: `/admin/jobs/${String(id)}`, displayText: 'Open in the console' }),
        }),
    ),
    serverAdapter: adapter,
    options: { uiConfig: { boardTitle: 'Queues', miscLinks: [{ text: 'Console', url: '/admin' }] } },
  });
  return adapter.getRouter() as RequestHandler;
}

/** Its page would load fonts from elsewhere and show a spinner by inline styles. */
class LocalOnlyAdapter extends ExpressAdapter {
  override setViewsPath(viewPath: string): this {
    super.setViewsPath(viewPath);
    const render = this.app.render.bind(this.app);
    type Done = (error: Error, text: string) => void;
    this.app.render = ((name: string, params: object, done: Done) => {
      render(name, params, (error, text) => done(error, localOnly(text ?? '')));
    }) as typeof this.app.render;
    return this;
  }
}

function localOnly(page: string): string {
  return page
    .replace(/<link href="https?:[^>]*>/g, '')
    .replace(/<div id="root">[\s\S]*?<\/style>\s*<\/div>/, '<div id="root"></div>');
}
