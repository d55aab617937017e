import { writeSync } from 'node:fs';
import { workerData } from 'node:worker_threads';
import { namedJobs } from './named-jobs.ts';

/** What the thread is given. It shares nothing else with the loop it watches. */
export interface LoopThreadData {
  /** Counts up with each turn of the watched loop. */
  beats: Int32Array;
  /** See {@link namedJobs}. */
  running: Uint8Array;
  everyMs: number;
  maxBlockMs: number;
  /** What its log line begins with; null if it is to say nothing. */
  line: Record<string, unknown> | null;
}

const { beats, running, everyMs, maxBlockMs, line } = workerData as LoopThreadData;

let seen = -1;
let beatAt = performance.now();
let lookedAt = beatAt;
let told = false;
setInterval(() => {
  const now = performance.now();
  const count = Atomics.load(beats, 0);
  // Who slept as well, as in a process that was stopped, knows nothing of the other.
  const slept = now - lookedAt > 4 * everyMs;
  lookedAt = now;
  if (count !== seen || slept) {
    seen = count;
    beatAt = now;
    told = false;
    return;
  }
  const blockedMs = Math.round(now - beatAt);
  if (told || line === null || blockedMs < maxBlockMs) return;
  const jobs = namedJobs(running);
  if (jobs.length === 0) return;
  try {
    const msg = 'A handler blocks the event loop, still; other workers may take these jobs';
    const facts = { blockedMs, jobs, msg };
    // Not through the loop's own stream, which stands still too.
    writeSync(1, `${JSON.stringify({ level: 'error', time: new Date().toISOString(), ...line, ...facts })}\n`);
    told = true;
  } catch {
    // A full pipe: the next look tries again.
  }
}, everyMs);
