/** What is there while a job runs here, by the job's id. */
export interface WhileRunning<Value> {
  readonly size: number;
  get(jobId: string): Value | undefined;
  entries(): [string, Value][];
  /** Takes the place of what is there for this job; the answer takes it out, unless something else has its place. */
  add(jobId: string, value: Value): () => void;
}

/**
 * A Map whose values are garbage once they are taken out. V8 keeps the former tables of a Map that has grown or shrunk
 * until a full collection, and all that was in them: of a job a second later still its whole claim, to be moved by
 * each collection of the young.
 */
export function createWhileRunning<Value extends object>(): WhileRunning<Value> {
  const boxes = new Map<string, { value: Value | undefined }>();
  return {
    get size() {
      return boxes.size;
    },
    get: (jobId) => boxes.get(jobId)?.value,
    entries: () => [...boxes].flatMap(([jobId, { value }]) => (value === undefined ? [] : [[jobId, value]])),
    add: (jobId, value) => {
      const box: { value: Value | undefined } = { value };
      boxes.set(jobId, box);
      return () => {
        box.value = undefined;
        if (boxes.get(jobId) === box) boxes.delete(jobId);
      };
    },
  };
}
