import type { Random } from '../chaos/random.ts';

/** Where a coroutine of a simulated process stands still until the schedule lets it go on. */
interface Gate {
  process: Process;
  label: string;
  open: () => void;
}

/** A simulated process: killed, none of its coroutines ever goes on; frozen, none does until it is thawed. */
export interface Process {
  name: string;
  state: 'running' | 'frozen' | 'dead';
  /** Of the last change to `frozen`. */
  frozenAt: number;
}

interface Due {
  at: number;
  run: () => void;
}

/**
 * One thread, virtual time, and every interleaving chosen by a seed: whatever a process asks of the outside stands still at
 * a gate before it takes effect, and at another before the answer is heard.
 */
export class World {
  readonly random: Random;
  readonly story: string[] = [];
  now = Date.UTC(2027, 0, 1);
  #gates: Gate[] = [];
  #due: Due[] = [];

  constructor(random: Random) {
    this.random = random;
  }

  tell(line: string): void {
    this.story.push(line);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.random.next() < probability;
  }

  gate(process: Process, label: string): Promise<void> {
    if (process.state === 'dead') return new Promise(() => {});
    return new Promise((open) => this.#gates.push({ process, label, open }));
  }

  after(ms: number, run: () => void): () => void {
    const due = { at: this.now + ms, run };
    this.#due.push(due);
    return () => {
      this.#due = this.#due.filter((other) => other !== due);
    };
  }

  kill(process: Process): void {
    process.state = 'dead';
    this.#gates = this.#gates.filter((gate) => gate.process !== process);
  }

  /** Lets one coroutine go on, and everything that follows from it without the outside. False when none waits. */
  async step(): Promise<boolean> {
    const ready = this.#gates.filter(({ process }) => process.state === 'running');
    if (ready.length === 0) return false;
    const gate = this.random.pick(ready);
    this.#gates.splice(this.#gates.indexOf(gate), 1);
    gate.open();
    await settled();
    return true;
  }

  /** Goes to the next moment at which something is due, or on by so much. */
  async advance(ms?: number): Promise<boolean> {
    const soonest = () => this.#due.reduce((least, { at }) => Math.min(least, at), Number.POSITIVE_INFINITY);
    const until = ms === undefined ? soonest() : this.now + ms;
    if (!Number.isFinite(until)) return false;
    for (let next = soonest(); next <= until; next = soonest()) {
      this.now = Math.max(this.now, next);
      const due = this.#due.filter(({ at }) => at <= this.now);
      this.#due = this.#due.filter(({ at }) => at > this.now);
      for (const { run } of due) run();
      await settled();
    }
    this.now = Math.max(this.now, until);
    return true;
  }
}

/** All promises that can go on have gone on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
