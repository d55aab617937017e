import {
  batchAnswerSchema,
  createBatchSchema,
  createJobSchema,
  jobAnswerSchema,
  jobListQuerySchema,
  jobListSchema,
} from '@queue-service/contracts';
import type { Acceptance, Producer } from '@queue-service/queue';
import { z } from 'zod';
import { requireMayPost } from '../auth/may-post.ts';
import { nextCursor, pageRequest } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { BASE_PATH, type Route, route } from '../http/route.ts';
import type { Jobs } from '../ports.ts';
import { readPostedBatch } from './batch-body.ts';
import { idempotencyHeaders, idempotencyKeyOf, keyReused, REPLAYED } from './idempotency-key.ts';
import { readPostedJob } from './job-body.ts';

export interface JobRoutesParts {
  readonly producer: Producer;
  readonly jobs: Jobs;
  /** Largest body of a job of the money queue, in bytes. */
  readonly moneyBodyLimitBytes: number;
}

const jobParams = z.object({ id: z.uuid() });

/** 100 jobs with payloads of their own. */
const MOST_MEMBERS_OF_A_BATCH = 100_000;

export function jobRoutes({ producer, jobs, moneyBodyLimitBytes }: JobRoutesParts): Route[] {
  return [
    route({
      method: 'post',
      path: '/jobs',
      access: 'user',
      summary: 'Add one job',
      headers: idempotencyHeaders,
      body: { schema: createJobSchema, read: readPostedJob(moneyBodyLimitBytes) },
      answers: { 202: jobAnswerSchema, 200: jobAnswerSchema },
      problems: [
        'unknown_queue',
        'unknown_job_type',
        'idempotency_key_reused',
        'queue_unavailable',
        'database_unavailable',
      ],
      handler: async ({ body, headers, actor, requestId, trace }) => {
        const { idempotencyKey: keyInBody, ...options } = body.options;
        const idempotencyKey = idempotencyKeyOf(headers, keyInBody);
        const { type, data } = body;
        const { tenantId } = actor;
        requireMayPost(actor, [{ type, data, path: 'type' }]);
        const accepted = await producer.accept([
          { type, data, options, tenantId, idempotencyKey, requestId, ...trace },
        ]);
        return acceptedReply(accepted[0]);
      },
    }),

    route({
      method: 'post',
      path: '/jobs/batch',
      access: 'venue',
      summary: 'Add up to 100 jobs, all or none',
      body: {
        schema: createBatchSchema,
        read: readPostedBatch(moneyBodyLimitBytes),
        members: MOST_MEMBERS_OF_A_BATCH,
      },
      answers: { 202: batchAnswerSchema },
      problems: [
        'unknown_queue',
        'unknown_job_type',
        'idempotency_key_reused',
        'queue_unavailable',
        'database_unavailable',
      ],
      handler: async ({ body, actor, requestId, trace }) => {
        requireMayPost(
          actor,
          body.map((job, index) => ({ ...job, path: `jobs.${index}.type` })),
        );
        const accepted = await producer.accept(
          body.map(({ type, data, options: { idempotencyKey = null, ...options } }) => ({
            ...{ type, data, options, idempotencyKey },
            ...{ tenantId: actor.tenantId, requestId, ...trace },
          })),
        );
        return batchReply(accepted);
      },
    }),

    route({
      method: 'get',
      path: '/jobs',
      access: 'user',
      summary: 'List jobs, newest first',
      query: jobListQuerySchema,
      answers: { 200: jobListSchema },
      problems: ['invalid_cursor', 'database_unavailable'],
      handler: async ({ query, actor }) => {
        const { limit, cursor, ...filter } = query;
        const page = await jobs.list(filter, actor.scope, pageRequest({ limit, cursor }));
        return { status: 200, body: { jobs: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),

    route({
      method: 'get',
      path: '/jobs/:id',
      access: 'user',
      summary: 'One job',
      params: jobParams,
      answers: { 200: jobAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params, actor }) => {
        const job = await jobs.find(params.id, actor.scope);
        if (job === null) throw new Problem('not_found');
        return { status: 200, body: { job } };
      },
    }),
  ];
}

function acceptedReply(acceptance: Acceptance | undefined) {
  if (acceptance === undefined) throw new Error('The producer answered for no job');
  if (acceptance.outcome === 'key_reused') throw keyReused('job', acceptance.jobId);
  const { job } = acceptance;
  const location = { Location: `${BASE_PATH}/jobs/${job.id}` };
  return acceptance.outcome === 'created'
    ? ({ status: 202, body: { job }, headers: location } as const)
    : ({ status: 200, body: { job }, headers: { ...location, ...REPLAYED } } as const);
}

/** A reused key of one job has undone the others. */
function batchReply(accepted: readonly Acceptance[]) {
  const reused = accepted.flatMap((acceptance, index) =>
    acceptance.outcome === 'key_reused'
      ? [
          {
            path: `jobs.${index}.options.idempotencyKey`,
            message: `belongs to the job ${acceptance.jobId}, made from another body`,
            code: 'idempotency_key_reused',
          },
        ]
      : [],
  );
  if (reused.length > 0) throw new Problem('idempotency_key_reused', { errors: reused });
  const jobs = accepted.flatMap((acceptance) => (acceptance.outcome === 'key_reused' ? [] : [acceptance.job]));
  const replayed = accepted.flatMap(({ outcome }, index) => (outcome === 'replayed' ? [index] : []));
  return { status: 202, body: { jobs, replayed } } as const;
}
