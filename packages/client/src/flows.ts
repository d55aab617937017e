import type { z } from 'zod';
import {
  type createFlowSchema,
  type FlowResource,
  flowAnswerSchema,
  type flowListQuerySchema,
  flowListSchema,
} from '#contracts';
import type { RequestOptions } from './jobs.ts';
import type { Timing } from './pauses.ts';
import type { Send } from './transport.ts';
import { type WaitOptions, waitUntilEnded } from './wait.ts';

/** A flow as a producer writes it: `steps`, or a `template` with its `input`. */
export type FlowInput = z.input<typeof createFlowSchema>;

export interface Flows {
  /** Starts a workflow. Keys work as for `jobs.add`. @throws ProblemError `invalid_flow` names every bad step */
  create(flow: FlowInput, options?: RequestOptions): Promise<FlowResource>;
  /** A page without the steps, newest first. @throws ProblemError */
  list(query?: z.input<typeof flowListQuerySchema>, options?: RequestOptions): Promise<z.output<typeof flowListSchema>>;
  /** @throws ProblemError */
  get(id: string, options?: RequestOptions): Promise<FlowResource>;
  /** Nothing more of it is started; what runs ends. @throws ProblemError `conflict` when it has ended otherwise */
  cancel(id: string, options?: RequestOptions): Promise<FlowResource>;
  /** Resumes a failed flow where it failed. @throws ProblemError `conflict` unless it has failed */
  retry(id: string, options?: RequestOptions): Promise<FlowResource>;
  /** The flow once it has ended, however it ended: look at `status`. @throws WaitTimeoutError, ProblemError */
  waitFor(id: string, options?: WaitOptions): Promise<FlowResource>;
}

const unfinished: readonly FlowResource['status'][] = ['running', 'compensating'];

export function createFlows(send: Send, timing: Timing, newKey: () => string): Flows {
  const get = async (id: string, signal?: AbortSignal): Promise<FlowResource> => {
    const path = `/flows/${encodeURIComponent(id)}`;
    return (await send({ method: 'GET', path, answer: flowAnswerSchema, signal })).flow;
  };
  return {
    create: async (flow, { signal } = {}) => {
      const idempotencyKey = flow.options?.idempotencyKey ?? newKey();
      const answer = flowAnswerSchema;
      return (await send({ method: 'POST', path: '/flows', body: flow, idempotencyKey, answer, signal })).flow;
    },
    list: (query, { signal } = {}) => send({ method: 'GET', path: '/flows', query, answer: flowListSchema, signal }),
    get: (id, { signal } = {}) => get(id, signal),
    cancel: async (id, { signal } = {}) => {
      const path = `/flows/${encodeURIComponent(id)}/cancel`;
      return (await send({ method: 'POST', path, answer: flowAnswerSchema, signal })).flow;
    },
    retry: async (id, { signal } = {}) => {
      const path = `/flows/${encodeURIComponent(id)}/retry`;
      return (await send({ method: 'POST', path, answer: flowAnswerSchema, once: true, signal })).flow;
    },
    waitFor: (id, options = {}) =>
      waitUntilEnded(
        {
          what: 'Flow',
          id,
          poll: (signal) => get(id, signal),
          ended: ({ status }) => !unfinished.includes(status),
        },
        options,
        timing,
      ),
  };
}
