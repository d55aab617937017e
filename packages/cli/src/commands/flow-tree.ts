import type { FlowResource } from '@queue-service/client';

type Step = FlowResource['steps'][number];

const marks: Readonly<Record<Step['status'], string>> = {
  waiting: '…',
  pending: '○',
  processing: '◐',
  settling: '◌',
  completed: '✔',
  failed: '✖',
  skipped: '–',
  cancelled: '⊘',
};

/**
 * The flow as lines of a tree: each step below the last of the steps it waits for, which is the one that lets it go;
 * the others are named beside it.
 */
export function flowTree(flow: FlowResource): string[] {
  const position = new Map(flow.steps.map((step, index) => [step.name, index]));
  const children = new Map<string | undefined, Step[]>();
  for (const step of flow.steps) {
    const parents = step.dependsOn.filter((name) => position.has(name));
    const parent = parents.toSorted((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0)).at(-1);
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [step]);
    else siblings.push(step);
  }
  const lines = [`${flow.name} ${flow.id} ${flow.status}`];
  // Steps may wait on each other 2,000 deep: a stack of our own instead of recursion.
  const open: { step: Step; indent: string; last: boolean; parent: string | undefined }[] = [];
  const push = (parent: string | undefined, indent: string) => {
    const steps = children.get(parent) ?? [];
    for (const [index, step] of [...steps.entries()].reverse()) {
      open.push({ step, indent, last: index === steps.length - 1, parent });
    }
  };
  push(undefined, '');
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { step, indent, last, parent } = next;
    lines.push(`${indent}${last ? '└─' : '├─'} ${describe(step, parent)}`);
    push(step.name, `${indent}${last ? '   ' : '│  '}`);
  }
  return lines;
}

function describe(step: Step, parent: string | undefined): string {
  const others = step.dependsOn.filter((name) => name !== parent);
  const parts = [`${marks[step.status]} ${step.name} ${step.status} (${step.type})`];
  if (others.length > 0) parts.push(`also after ${others.join(', ')}`);
  if (step.error !== null) parts.push(`${step.error.code}: ${step.error.message}`);
  if (step.compensation !== null) parts.push(`undone by ${step.compensation.type}: ${step.compensation.status}`);
  return parts.join('; ');
}
