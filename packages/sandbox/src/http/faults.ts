import { seededRandom } from './ids.ts';
import type { ProviderRequest } from './request.ts';

/**
 * What goes wrong with one request.
 * - `status`: refused before any work (a load balancer, a rate limiter); Stripe saves nothing under the idempotency key.
 * - `error-instead-of-work`: the endpoint started, did nothing and answered an error; Stripe saves and replays it.
 * - `error-after-work`: the work was done, and an error was answered; Stripe saves and replays it.
 * - `hang`, `reset`: no work, no answer. `hang-after-work`, `reset-after-work`: the work was done, the answer is lost.
 * - `delay`: the work starts `ms` later, inside the endpoint (an idempotency key is in use meanwhile).
 * - `hold`: the same, until `faults.release(gate)`.
 */
export type FaultAction =
  | { kind: 'status'; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: 'error-instead-of-work'; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: 'error-after-work'; status: number; body?: unknown; headers?: Record<string, string> }
  | { kind: 'hang' }
  | { kind: 'reset' }
  | { kind: 'hang-after-work' }
  | { kind: 'reset-after-work' }
  | { kind: 'delay'; ms: number }
  | { kind: 'hold'; gate: string };

export interface FaultMatch {
  method?: string;
  /** A string is looked for anywhere in the path and query; a RegExp is tested against them. */
  path?: string | RegExp;
  /** Looked for in the body, as it came and percent-decoded. */
  bodyIncludes?: string;
}

export interface FaultRule {
  match?: FaultMatch;
  /** How many matching requests fail; default 1. */
  times?: number | 'always';
  /** How many matching requests pass first; default 0. */
  after?: number;
  do: FaultAction;
}

/** Random faults: for each kind the share of requests (0..1) that meet it; the shares together at most 1. */
export interface RandomFaults {
  seed: number;
  match?: FaultMatch;
  rates: Partial<Record<'hang-after-work' | 'reset-after-work' | 'reset' | 'hang', number>> & {
    status?: { rate: number; status: number };
    'error-after-work'?: { rate: number; status: number };
    'error-instead-of-work'?: { rate: number; status: number };
    delay?: { rate: number; ms: number };
  };
}

export interface FaultState {
  id: string;
  rule: FaultRule;
  /** Matching requests seen. */
  seen: number;
  /** Requests that failed by it. */
  used: number;
}

/** The fault rules of one provider. The first rule that matches and has uses left decides; then random faults. */
export class Faults {
  #states: FaultState[] = [];
  #next = 1;
  #random: { options: RandomFaults; next: () => number } | undefined;
  readonly #gates = new Map<string, { opened: Promise<void>; open: () => void; waiting: number }>();

  /** @returns the id by which `remove` knows the rule. */
  add(rule: FaultRule): string {
    const id = `fault_${this.#next++}`;
    this.#states.push({ id, rule, seen: 0, used: 0 });
    return id;
  }

  remove(id: string): boolean {
    const before = this.#states.length;
    this.#states = this.#states.filter((state) => state.id !== id);
    return this.#states.length < before;
  }

  /** Draws faults from a seeded generator from now on, after the rules; undefined stops it. */
  random(options: RandomFaults | undefined): void {
    this.#random = options && { options, next: seededRandom(options.seed) };
  }

  list(): readonly FaultState[] {
    return this.#states;
  }

  /** Forgets every rule and lets go whoever waits at a gate. */
  clear(): void {
    this.#states = [];
    this.#random = undefined;
    for (const gate of [...this.#gates.keys()]) this.release(gate);
  }

  /** Decides about one request, and counts. */
  take(request: ProviderRequest): FaultAction | undefined {
    for (const state of this.#states) {
      if (!matches(state.rule.match, request)) continue;
      state.seen++;
      if (state.seen <= (state.rule.after ?? 0)) continue;
      const times = state.rule.times ?? 1;
      if (times !== 'always' && state.used >= times) continue;
      state.used++;
      return state.rule.do;
    }
    return this.#draw(request);
  }

  /** Resolves when `release(gate)` is called. */
  async wait(gate: string): Promise<void> {
    const entry = this.#gate(gate);
    entry.waiting++;
    await entry.opened;
  }

  /** How many requests wait at the gate now. */
  waiting(gate: string): number {
    return this.#gates.get(gate)?.waiting ?? 0;
  }

  /** Lets go all requests that wait at the gate; later ones wait anew. */
  release(gate: string): void {
    this.#gates.get(gate)?.open();
    this.#gates.delete(gate);
  }

  #gate(gate: string) {
    let entry = this.#gates.get(gate);
    if (!entry) {
      const { promise, resolve } = Promise.withResolvers<void>();
      entry = { opened: promise, open: resolve, waiting: 0 };
      this.#gates.set(gate, entry);
    }
    return entry;
  }

  #draw(request: ProviderRequest): FaultAction | undefined {
    if (!this.#random || !matches(this.#random.options.match, request)) return undefined;
    const { rates } = this.#random.options;
    let left = this.#random.next();
    for (const [kind, share] of Object.entries(rates)) {
      left -= typeof share === 'number' ? share : share.rate;
      if (left >= 0) continue;
      if (typeof share === 'number') return { kind } as FaultAction;
      return ('ms' in share ? { kind, ms: share.ms } : { kind, status: share.status }) as FaultAction;
    }
    return undefined;
  }
}

function matches(match: FaultMatch | undefined, request: ProviderRequest): boolean {
  if (!match) return true;
  if (match.method && match.method.toUpperCase() !== request.method) return false;
  if (typeof match.path === 'string' && !request.target.includes(match.path)) return false;
  if (
    match.path instanceof RegExp &&
    !new RegExp(match.path.source, match.path.flags.replace(/[gy]/g, '')).test(request.target)
  )
    return false;
  return match.bodyIncludes === undefined || bodyIncludes(request, match.bodyIncludes);
}

function bodyIncludes(request: ProviderRequest, wanted: string): boolean {
  const raw = request.body.toString('utf8');
  if (raw.includes(wanted)) return true;
  try {
    return decodeURIComponent(raw.replaceAll('+', ' ')).includes(wanted);
  } catch {
    // A body that is no form is not percent-encoded, and was looked at as it came.
    return false;
  }
}
