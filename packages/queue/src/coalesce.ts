/**
 * Joins calls that are made close together into one: what arrives in one tick, or while `maxInFlight` runs are under
 * way, shares the next run. A statement for a hundred jobs costs little more than one for one.
 *
 * `run` answers in the order of its items; when it throws, every call of that run fails with the same error.
 */
export function coalesce<Item, Result>(
  run: (items: Item[]) => Promise<Result[]>,
  options: { maxBatch: number; maxInFlight: number },
): (item: Item) => Promise<Result> {
  interface Waiting {
    item: Item;
    resolve(result: Result): void;
    reject(error: unknown): void;
  }
  const waiting: Waiting[] = [];
  let inFlight = 0;
  let scheduled = false;

  const schedule = () => {
    if (scheduled || inFlight >= options.maxInFlight || waiting.length === 0) return;
    scheduled = true;
    setImmediate(flush);
  };

  const flush = async () => {
    scheduled = false;
    const batch = waiting.splice(0, options.maxBatch);
    if (batch.length === 0) return;
    inFlight += 1;
    schedule();
    try {
      const results = await run(batch.map((entry) => entry.item));
      batch.forEach((entry, index) => {
        entry.resolve(results[index] as Result);
      });
    } catch (error) {
      for (const entry of batch) entry.reject(error);
    } finally {
      inFlight -= 1;
      schedule();
    }
  };

  return (item) =>
    new Promise<Result>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}

/** The same for each key alone: calls for one key never wait for those of another. */
export function coalesceBy<Item, Result>(
  keyOf: (item: Item) => unknown,
  run: (items: Item[]) => Promise<Result[]>,
  options: { maxBatch: number; maxInFlight: number },
): (item: Item) => Promise<Result> {
  const lines = new Map<unknown, { join: (item: Item) => Promise<Result>; members: number }>();
  return async (item) => {
    const key = keyOf(item);
    const line = lines.get(key) ?? { join: coalesce(run, options), members: 0 };
    lines.set(key, line);
    line.members += 1;
    try {
      return await line.join(item);
    } finally {
      line.members -= 1;
      if (line.members === 0) lines.delete(key);
    }
  };
}
