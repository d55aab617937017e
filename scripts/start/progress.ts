/** Tells what is done and how long it took: `  PostgreSQL … 0.9 s`. */
export async function step<T>(label: string, print: (line: string) => void, work: () => Promise<T>): Promise<T> {
  const started = performance.now();
  const result = await work();
  print(`  ${label} … ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return result;
}
