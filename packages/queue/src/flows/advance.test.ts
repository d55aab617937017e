import type { FlowStatus, StepStatus } from '@queue-service/contracts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { advance, type StepState } from './advance.ts';

type Policy = StepState['onFailure'];
interface Sketch {
  onFailure: Policy;
  compensable: boolean;
  dies: boolean;
  compensationDies: boolean;
  dependsOn: number[];
}

const sketches = fc.array(
  fc.record({
    onFailure: fc.constantFrom<Policy>('fail', 'continue', 'compensate'),
    compensable: fc.boolean(),
    dies: fc.boolean(),
    compensationDies: fc.boolean(),
    dependsOn: fc.array(fc.nat(20), { maxLength: 3 }),
  }),
  { minLength: 1, maxLength: 8 },
);

/** Runs a flow to its end, the open step that ends next chosen by `pick`. */
function run(sketch: readonly Sketch[], pick: () => number) {
  const steps: StepState[] = sketch.map((step, position) => ({
    name: `s${position}`,
    position,
    status: 'waiting' as StepStatus,
    onFailure: step.onFailure,
    compensable: step.compensable,
    compensationStatus: null,
    finishedAt: null,
    dependsOn: position === 0 ? [] : [...new Set(step.dependsOn.map((at) => `s${at % position}`))],
  }));
  const at = (name: string) => steps[Number(name.slice(1))] as StepState;
  const started: string[] = [];
  const ended: string[] = [];
  const compensated: string[] = [];
  let status: FlowStatus = 'running';
  for (let clock = 1; clock < 200; clock += 1) {
    const move = advance(status, steps);
    status = move.status;
    for (const name of move.skip) at(name).status = 'skipped';
    for (const name of move.release) {
      expect(at(name).status).toBe('waiting');
      for (const dependency of at(name).dependsOn) expect(ended).toContain(dependency);
      at(name).status = 'pending';
      started.push(name);
    }
    if (move.compensate !== null) {
      expect(at(move.compensate).compensationStatus).toBeNull();
      at(move.compensate).compensationStatus = 'pending';
      compensated.push(move.compensate);
    }
    if (move.finished) return { status, steps, started, ended, compensated };
    const open = steps.filter((step) => step.status === 'pending');
    const undoing = steps.find((step) => step.compensationStatus === 'pending');
    if (undoing !== undefined)
      undoing.compensationStatus = sketch[undoing.position]?.compensationDies ? 'failed' : 'completed';
    const next = open[pick() % Math.max(1, open.length)];
    if (next === undefined) continue;
    next.status = sketch[next.position]?.dies ? 'failed' : 'completed';
    next.finishedAt = new Date(clock);
    ended.push(next.name);
  }
  throw new Error('the flow did not end');
}

it('ends every flow, starts no step twice or too early, and undoes in reverse order, each once', () => {
  fc.assert(
    fc.property(sketches, fc.infiniteStream(fc.nat(1_000)), (sketch, picks) => {
      const { status, steps, started, ended, compensated } = run(sketch, () => picks.next().value ?? 0);
      expect(new Set(started).size).toBe(started.length);
      const dead = steps.filter((step) => step.status === 'failed' && step.onFailure !== 'continue');
      if (dead.length === 0) {
        expect(status).toBe('completed');
        expect(started).toHaveLength(steps.length);
        expect(compensated).toEqual([]);
        return;
      }
      const undo = dead.some((step) => step.onFailure === 'compensate');
      const due = ended.filter((name) =>
        steps.some((step) => step.name === name && step.status === 'completed' && step.compensable),
      );
      expect(compensated).toEqual(undo ? due.toReversed() : []);
      const undone = steps.every((step) => step.compensationStatus !== 'failed');
      expect(status).toBe(undo && due.length > 0 && undone ? 'compensated' : 'failed');
    }),
    { numRuns: 500 },
  );
});

it('cancels what is open and skips what waits', () => {
  const step = (name: string, status: StepStatus): StepState => ({
    name,
    status,
    dependsOn: [],
    onFailure: 'fail',
    compensable: false,
    compensationStatus: null,
    finishedAt: null,
    position: 0,
  });
  expect(advance('cancelled', [step('a', 'processing'), step('b', 'waiting')])).toMatchObject({
    finished: false,
    skip: ['b'],
    cancel: ['a'],
  });
  expect(advance('cancelled', [step('a', 'cancelled'), step('b', 'skipped')])).toMatchObject({ finished: true });
});
