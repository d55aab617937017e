/** A job whose handler runs. */
export interface RunningJob {
  id: string;
  type: string;
}

const bytesEach = 128;
const longest = bytesEach - 1;

/** Names of jobs in memory that another thread can read: it shows what runs while this one stands still. */
export interface NamedJobs {
  readonly memory: Uint8Array;
  /** The answer takes the name out. When there is no place left it does nothing. */
  add(job: RunningJob): () => void;
}

/** Each name has a place of its own: its length, then id and type with a space between. */
export function createNamedJobs(places = 1_024): NamedJobs {
  const memory = new Uint8Array(new SharedArrayBuffer(places * bytesEach));
  const bytes = Buffer.from(memory.buffer);
  const free = Array.from({ length: places }, (_, place) => place * bytesEach);
  return {
    memory,
    add: ({ id, type }) => {
      const place = free.pop();
      if (place === undefined) return () => {};
      memory[place] = bytes.write(`${id} ${type}`, place + 1, longest, 'latin1');
      return () => {
        memory[place] = 0;
        free.push(place);
      };
    },
  };
}

/** Those that are named, as of now. */
export function namedJobs(memory: Uint8Array): RunningJob[] {
  const bytes = Buffer.from(memory.buffer);
  const jobs: RunningJob[] = [];
  for (let place = 0; place < memory.length; place += bytesEach) {
    const length = memory[place] ?? 0;
    if (length === 0) continue;
    const [id = '', type = ''] = bytes.toString('latin1', place + 1, place + 1 + length).split(' ');
    jobs.push({ id, type });
  }
  return jobs;
}
