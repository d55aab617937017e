import { randomUUID } from 'node:crypto';
import { canonicalJson, contractOf, type FlowResource, type JobResource } from '@queue-service/contracts';
import type { Acceptance, NewJob, Producer } from '@queue-service/queue';
import { Problem } from '../http/problem.ts';
import type { FlowAcceptance, Flows, Jobs, NewFlow, Page, PageRequest, Scope } from '../ports.ts';

/** The ports of the API without anything behind them, for tests of its HTTP layer alone. */
export class InMemoryPorts {
  readonly accepted: NewJob[] = [];
  readonly createdFlows: NewFlow[] = [];
  readonly storedJobs: JobResource[] = [];
  readonly storedFlows: FlowResource[] = [];
  /** Thrown by everything, when set. */
  failure: Error | undefined;
  readonly #keys = new Map<string, { hash: string; id: string }>();

  readonly producer: Producer = {
    accept: async (jobs) => {
      this.#failIfTold();
      return jobs.map((job) => this.#accept(job));
    },
  };

  readonly jobs: Jobs = {
    find: async (id, scope) => {
      this.#failIfTold();
      return this.storedJobs.find((job) => job.id === id && sees(scope, job)) ?? null;
    },
    list: async (filter, scope, page) => {
      this.#failIfTold();
      const fits = (job: JobResource) =>
        sees(scope, job) &&
        (filter.queue === undefined || job.queue === filter.queue) &&
        (filter.type === undefined || job.type === filter.type) &&
        (filter.status === undefined || job.status === filter.status) &&
        (filter.from === undefined || job.createdAt >= filter.from.toISOString()) &&
        (filter.to === undefined || job.createdAt < filter.to.toISOString());
      return pageOf(this.storedJobs.filter(fits), page);
    },
  };

  readonly flows: Flows = {
    create: async (flow) => {
      this.#failIfTold();
      return this.#createFlow(flow);
    },
    find: async (id, scope) => {
      this.#failIfTold();
      return this.storedFlows.find((flow) => flow.id === id && sees(scope, flow)) ?? null;
    },
    cancel: (id, { actor }) => this.#changeFlow(id, actor.scope, { status: 'cancelled' }),
    retry: (id, { actor }) => this.#changeFlow(id, actor.scope, { status: 'running' }),
    list: async (filter, scope, page) => {
      this.#failIfTold();
      const fits = (flow: FlowResource) =>
        sees(scope, flow) && (filter.status === undefined || flow.status === filter.status);
      return pageOf(
        this.storedFlows.filter(fits).map(({ steps: _steps, ...summary }) => summary),
        page,
      );
    },
  };

  #failIfTold(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  #accept(job: NewJob): Acceptance {
    const { tenantId, idempotencyKey = null, type, data, options } = job;
    const first = this.#first(
      `job ${tenantId} ${idempotencyKey}`,
      idempotencyKey,
      canonicalJson({ type, data, options }),
    );
    if (first?.same === false) return { outcome: 'key_reused', jobId: first.id };
    const known = this.storedJobs.find(({ id }) => id === first?.id);
    if (known !== undefined) return { outcome: 'replayed', job: known };
    const { queue, policy } = contractOf(type);
    const stored = jobResource({
      ...(first === undefined ? {} : { id: first.id }),
      queue,
      type,
      tenantId,
      idempotencyKey,
      priority: options?.priority ?? policy.priority,
      maxAttempts: options?.attempts ?? policy.attempts,
    });
    this.accepted.push(job);
    this.storedJobs.push(stored);
    return { outcome: 'created', job: stored };
  }

  #createFlow(flow: NewFlow): FlowAcceptance {
    const { requestHash, tenantId, idempotencyKey } = flow;
    const first = this.#first(`flow ${tenantId} ${idempotencyKey}`, idempotencyKey, requestHash);
    if (first?.same === false) return { outcome: 'key_reused', flowId: first.id };
    const known = this.storedFlows.find(({ id }) => id === first?.id);
    if (known !== undefined) return { outcome: 'replayed', flow: known };
    const stored = flowResource(flow, first?.id ?? randomUUID());
    this.createdFlows.push(flow);
    this.storedFlows.push(stored);
    return { outcome: 'created', flow: stored };
  }

  async #changeFlow(id: string, scope: Scope, change: Partial<FlowResource>): Promise<FlowResource> {
    this.#failIfTold();
    const flow = this.storedFlows.find((candidate) => candidate.id === id && sees(scope, candidate));
    if (flow === undefined) throw new Problem('not_found');
    return Object.assign(flow, change);
  }

  /** What the key was first used for; undefined without a key. */
  #first(scopedKey: string, key: string | null, hash: string): { id: string; same: boolean } | undefined {
    if (key === null) return undefined;
    const first = this.#keys.get(scopedKey) ?? { hash, id: randomUUID() };
    this.#keys.set(scopedKey, first);
    return { id: first.id, same: first.hash === hash };
  }
}

export function jobResource(fields: Partial<JobResource> = {}): JobResource {
  return {
    id: randomUUID(),
    queue: 'background',
    type: 'analytics-track',
    status: 'pending',
    priority: 5,
    attempts: 0,
    maxAttempts: 2,
    tenantId: 'venue-1',
    idempotencyKey: null,
    createdAt: new Date().toISOString(),
    startedAt: null,
    finishedAt: null,
    result: null,
    error: null,
    scheduledFor: null,
    flowId: null,
    delivery: null,
    ...fields,
  };
}

function flowResource({ plan, tenantId, idempotencyKey }: NewFlow, id: string): FlowResource {
  return {
    id,
    name: plan.name,
    template: plan.template,
    status: 'running',
    tenantId,
    idempotencyKey,
    createdAt: new Date().toISOString(),
    finishedAt: null,
    error: null,
    steps: plan.steps.map(({ name, queue, type, dependsOn, onFailure }) => ({
      name,
      queue,
      type,
      status: dependsOn.length === 0 ? 'pending' : 'waiting',
      dependsOn,
      onFailure,
      jobId: null,
      attempts: 0,
      startedAt: null,
      finishedAt: null,
      result: null,
      error: null,
      compensation: null,
    })),
  };
}

function sees(scope: Scope, { tenantId }: { tenantId: string }): boolean {
  return scope === null || scope === tenantId;
}

function pageOf<Item extends { id: string; createdAt: string }>(
  items: Item[],
  { limit, after }: PageRequest,
): Page<Item> {
  const place = ({ createdAt, id }: { createdAt: string; id: string }) => `${createdAt} ${id}`;
  const rest = items
    .filter((item) => after === null || place(item) < place(after))
    .sort((a, b) => (place(a) < place(b) ? 1 : -1));
  const last = rest[limit - 1];
  return {
    items: rest.slice(0, limit),
    next: last === undefined || rest.length <= limit ? null : { createdAt: last.createdAt, id: last.id },
  };
}
