import {
  type CreateFlow,
  canonicalJson,
  createFlowSchema,
  flowAnswerSchema,
  flowListQuerySchema,
  flowListSchema,
  planFlow,
} from '@queue-service/contracts';
import { requestHash } from '@queue-service/queue';
import { z } from 'zod';
import { requireMayPost } from '../auth/may-post.ts';
import { nextCursor, pageRequest } from '../http/cursor.ts';
import { Problem } from '../http/problem.ts';
import { BASE_PATH, jsonBody, type Route, route } from '../http/route.ts';
import type { FlowAcceptance, Flows } from '../ports.ts';
import { idempotencyHeaders, idempotencyKeyOf, keyReused, REPLAYED } from './idempotency-key.ts';

const flowParams = z.object({ id: z.uuid() });

/** 2,000 steps with payloads of their own. */
const MOST_MEMBERS_OF_A_FLOW = 100_000;

export function flowRoutes({ flows }: { readonly flows: Flows }): Route[] {
  return [
    route({
      method: 'post',
      path: '/flows',
      access: 'user',
      summary: 'Start a workflow of jobs that wait on each other',
      headers: idempotencyHeaders,
      body: jsonBody(createFlowSchema, { members: MOST_MEMBERS_OF_A_FLOW }),
      answers: { 202: flowAnswerSchema, 200: flowAnswerSchema },
      problems: ['invalid_flow', 'idempotency_key_reused', 'database_unavailable'],
      handler: async ({ body, headers, actor, requestId, trace }) => {
        const idempotencyKey = idempotencyKeyOf(headers, body.options?.idempotencyKey);
        const outcome = planFlow(body);
        if (!outcome.ok) throw new Problem('invalid_flow', { errors: outcome.problems });
        requireMayPost(
          actor,
          outcome.plan.steps.flatMap((step, index) => [
            { ...step, path: `steps.${index}.type` },
            ...(step.compensation === null ? [] : [{ ...step.compensation, path: `steps.${index}.compensation.type` }]),
          ]),
        );
        return acceptedReply(
          await flows.create({
            plan: outcome.plan,
            tenantId: actor.tenantId,
            idempotencyKey,
            requestHash: hashOf(body),
            webhookUrl: body.options?.webhookUrl ?? null,
            requestId,
            ...trace,
          }),
        );
      },
    }),

    route({
      method: 'get',
      path: '/flows',
      access: 'user',
      summary: 'List workflows, newest first, without their steps',
      query: flowListQuerySchema,
      answers: { 200: flowListSchema },
      problems: ['invalid_cursor', 'database_unavailable'],
      handler: async ({ query, actor }) => {
        const { limit, cursor, ...filter } = query;
        const page = await flows.list(filter, actor.scope, pageRequest({ limit, cursor }));
        return { status: 200, body: { flows: [...page.items], nextCursor: nextCursor(page) } };
      },
    }),

    route({
      method: 'get',
      path: '/flows/:id',
      access: 'user',
      summary: 'One workflow with its steps',
      params: flowParams,
      answers: { 200: flowAnswerSchema },
      problems: ['not_found', 'database_unavailable'],
      handler: async ({ params, actor }) => {
        const flow = await flows.find(params.id, actor.scope);
        if (flow === null) throw new Problem('not_found');
        return { status: 200, body: { flow } };
      },
    }),

    route({
      method: 'post',
      path: '/flows/:id/cancel',
      access: 'user',
      summary: 'Start nothing more of a workflow; 202 while steps of it still run or are undone',
      params: flowParams,
      answers: { 200: flowAnswerSchema, 202: flowAnswerSchema },
      problems: ['not_found', 'conflict', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => {
        const flow = await flows.cancel(id, change);
        return flow.finishedAt === null
          ? ({ status: 202, body: { flow } } as const)
          : ({ status: 200, body: { flow } } as const);
      },
    }),

    route({
      method: 'post',
      path: '/flows/:id/retry',
      access: 'user',
      summary: 'Resume a failed workflow where it failed',
      params: flowParams,
      answers: { 202: flowAnswerSchema },
      problems: ['not_found', 'conflict', 'queue_unavailable', 'database_unavailable'],
      handler: async ({ params: { id }, ...change }) => ({
        status: 202,
        body: { flow: await flows.retry(id, change) },
      }),
    }),
  ];
}

/** What was posted and not what became of it: a template that has changed since makes no other request. */
function hashOf({ options, ...posted }: CreateFlow): string {
  return requestHash(canonicalJson({ ...posted, webhookUrl: options?.webhookUrl }));
}

function acceptedReply(acceptance: FlowAcceptance) {
  if (acceptance.outcome === 'key_reused') throw keyReused('flow', acceptance.flowId);
  const { flow } = acceptance;
  const location = { Location: `${BASE_PATH}/flows/${flow.id}` };
  return acceptance.outcome === 'created'
    ? ({ status: 202, body: { flow }, headers: location } as const)
    : ({ status: 200, body: { flow }, headers: { ...location, ...REPLAYED } } as const);
}
