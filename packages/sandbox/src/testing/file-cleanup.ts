/**
 * What the current test file has to give back when its tests are done. State of the module, because vitest gives a hook
 * that is registered inside another hook (a database asked for in `beforeAll`) no call: each test file has its own
 * process and so its own list, which `setup-file.ts` empties.
 */
const steps: (() => Promise<unknown>)[] = [];

export function afterTestFile(step: () => Promise<unknown>): void {
  steps.push(step);
}

/** Runs the steps, the latest first; one that fails does not keep the others from running. */
export async function runCleanup(): Promise<void> {
  const failures: unknown[] = [];
  for (const step of steps.splice(0).reverse()) await step().catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw new AggregateError(failures, 'the test file could not clean up after itself');
}
