import { type CreateFlow, type FlowStepInput, maxFlowDependencies } from '../http/flows.ts';
import type { QueueName } from '../queues.ts';
import { contractOf, isJobType, type JobType } from '../registry.ts';
import { type FieldProblem, fieldProblems } from '../validate.ts';
import { BadReferenceError, findReferences, resolveReferences, type StepOutput } from './references.ts';
import { expandTemplate } from './templates.ts';

export interface PlannedJob {
  type: JobType;
  queue: QueueName;
  version: number;
  /** With its references still in it. */
  data: Record<string, unknown>;
}

export interface PlannedStep extends PlannedJob {
  name: string;
  dependsOn: string[];
  onFailure: 'fail' | 'continue' | 'compensate';
  compensation: PlannedJob | null;
  options: NonNullable<FlowStepInput['options']>;
}

/** A flow that can run: names unique, graph free of circles, every payload and reference fits the contracts. */
export interface FlowPlan {
  name: string;
  template: string | null;
  steps: PlannedStep[];
}

export type PlanOutcome = { ok: true; plan: FlowPlan } | { ok: false; problems: FieldProblem[] };

/** The id that stands for a job that does not exist yet while references are checked. */
const exampleJobId = '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f';

/** Checks a posted flow as a whole; every problem is listed, nothing has run. */
export function planFlow(flow: CreateFlow): PlanOutcome {
  const expanded =
    flow.template === undefined
      ? { ok: true as const, steps: flow.steps ?? [] }
      : expandTemplate(flow.template, flow.input ?? {});
  if (!expanded.ok) return expanded;
  const inputs = expanded.steps;
  const problems: FieldProblem[] = [];
  const byName = new Map<string, { input: FlowStepInput; dependsOn: Set<string> }>();

  inputs.forEach((input, index) => {
    if (byName.has(input.name))
      problems.push(problem(['steps', index, 'name'], 'is used by an earlier step', 'duplicate_step'));
    else byName.set(input.name, { input, dependsOn: new Set(input.dependsOn ?? []) });
  });
  inputs.forEach((input, index) => {
    problems.push(...checkNames(input, index, byName));
  });
  if (problems.length > 0) return { ok: false, problems };

  const dependencies = [...byName.values()].reduce((sum, { dependsOn }) => sum + dependsOn.size, 0);
  if (dependencies > maxFlowDependencies) {
    const message = `has ${dependencies} dependencies between its steps; at most ${maxFlowDependencies} are allowed`;
    return { ok: false, problems: [problem(['steps'], message, 'too_many_dependencies')] };
  }
  if (isCircular(byName))
    return { ok: false, problems: [problem(['steps'], 'the steps depend on each other in a circle', 'circular')] };

  const exampleOf =
    (isAllowed: (name: string) => boolean) =>
    (name: string): StepOutput | undefined => {
      const type = byName.get(name)?.input.type;
      if (type === undefined || !isJobType(type) || !isAllowed(name)) return undefined;
      return { jobId: exampleJobId, result: contractOf(type).example.result };
    };
  inputs.forEach((input, index) => {
    // A step that a payload names is a dependency by that.
    const direct = byName.get(input.name)?.dependsOn;
    problems.push(
      ...checkPayload(
        input,
        ['steps', index],
        exampleOf((name) => direct?.has(name) === true),
      ),
    );
    if (input.compensation === undefined) return;
    const isBefore = ancestryOf(byName, input.name);
    problems.push(
      ...checkPayload(
        input.compensation,
        ['steps', index, 'compensation'],
        exampleOf((name) => name === input.name || isBefore(name)),
      ),
    );
  });
  if (problems.length > 0) return { ok: false, problems };

  return {
    ok: true,
    plan: {
      name: flow.name ?? flow.template ?? 'flow',
      template: flow.template ?? null,
      steps: inputs.map((input) => ({
        ...plannedJob(input),
        name: input.name,
        dependsOn: [...(byName.get(input.name)?.dependsOn ?? [])],
        onFailure: input.onFailure ?? 'fail',
        compensation: input.compensation === undefined ? null : plannedJob(input.compensation),
        options: input.options ?? {},
      })),
    },
  };
}

type StepsByName = ReadonlyMap<string, { input: FlowStepInput; dependsOn: Set<string> }>;

/** Types, queues and the names that a step mentions; a step named by a reference becomes a dependency. */
function checkNames(input: FlowStepInput, index: number, byName: StepsByName): FieldProblem[] {
  const at = ['steps', index];
  const problems = [
    ...checkJob(input, at),
    ...(input.compensation ? checkJob(input.compensation, [...at, 'compensation']) : []),
  ];
  input.dependsOn?.forEach((name, position) => {
    if (!byName.has(name))
      problems.push(problem([...at, 'dependsOn', position], `names no step of this flow`, 'unknown_step'));
  });
  try {
    for (const reference of findReferences(input.data)) {
      if (byName.has(reference.step)) byName.get(input.name)?.dependsOn.add(reference.step);
      else
        problems.push(
          problem(
            [...at, 'data', ...reference.at],
            `${reference.text}: there is no step ${reference.step}`,
            'unknown_step',
          ),
        );
    }
  } catch (error) {
    if (!(error instanceof BadReferenceError)) throw error;
    problems.push(problem([...at, 'data', ...error.at], error.message, 'invalid_reference'));
  }
  return problems;
}

function checkJob(job: { type: string; queue?: string | undefined }, at: readonly PropertyKey[]): FieldProblem[] {
  if (!isJobType(job.type)) return [problem([...at, 'type'], 'is not a job type of this service', 'unknown_job_type')];
  const { queue } = contractOf(job.type);
  if (job.queue !== undefined && job.queue !== queue) {
    return [problem([...at, 'queue'], `${job.type} belongs to the queue ${queue}`, 'wrong_queue')];
  }
  return [];
}

/** The payload with examples in the place of its references must fit its contract. */
function checkPayload(
  job: { type: string; data: Record<string, unknown> },
  at: readonly PropertyKey[],
  output: (step: string) => StepOutput | undefined,
): FieldProblem[] {
  if (!isJobType(job.type)) return [];
  try {
    const parsed = contractOf(job.type).payload.safeParse(resolveReferences(job.data, output));
    return parsed.success ? [] : fieldProblems(parsed.error, [...at, 'data']);
  } catch (error) {
    if (!(error instanceof BadReferenceError)) throw error;
    return [problem([...at, 'data', ...error.at], `${error.message}: no earlier step makes it`, 'unknown_reference')];
  }
}

/** Kahn's algorithm: in steps and dependencies linear. */
function isCircular(steps: StepsByName): boolean {
  const after = new Map<string, string[]>();
  const open = new Map<string, number>();
  for (const [name, { dependsOn }] of steps) {
    open.set(name, dependsOn.size);
    for (const dependency of dependsOn) {
      const known = after.get(dependency);
      if (known === undefined) after.set(dependency, [name]);
      else known.push(name);
    }
  }
  const free = [...open].flatMap(([name, count]) => (count === 0 ? [name] : []));
  for (let name = free.pop(); name !== undefined; name = free.pop()) {
    open.delete(name);
    for (const next of after.get(name) ?? []) {
      const left = (open.get(next) ?? 0) - 1;
      open.set(next, left);
      if (left === 0) free.push(next);
    }
  }
  return open.size > 0;
}

/** Whether a step ends before this one begins. Looked up once, when somebody asks. */
function ancestryOf(steps: StepsByName, of: string): (name: string) => boolean {
  let before: Set<string> | undefined;
  return (name) => {
    if (before === undefined) {
      before = new Set();
      const open = [of];
      for (let at = open.pop(); at !== undefined; at = open.pop()) {
        for (const dependency of steps.get(at)?.dependsOn ?? []) {
          if (before.has(dependency)) continue;
          before.add(dependency);
          open.push(dependency);
        }
      }
    }
    return before.has(name);
  };
}

function plannedJob(job: { type: string; data: Record<string, unknown> }): PlannedJob {
  const contract = contractOf(job.type as JobType);
  return { type: contract.type, queue: contract.queue, version: contract.version, data: job.data };
}

function problem(path: readonly PropertyKey[], message: string, code: string): FieldProblem {
  return { path: path.map(String).join('.'), message, code };
}
