import type { Clock } from './clock.ts';

/** One thing that a provider really did: a charge made, a mail sent. */
export interface Effect {
  /** What it was, in the provider's words: `charge`, `refund`, `mail`. */
  kind: string;
  /** The provider's id of it. */
  id: string;
  /** The job that asked for it, as far as the request carried a job id. */
  jobId: string | null;
  /** When, epoch milliseconds of the sandbox clock. */
  at: number;
  detail: Record<string, unknown>;
}

export interface EffectFilter {
  kind?: string | undefined;
  jobId?: string | undefined;
}

/** Counts what a provider did, so that a checker can ask how many charges one job has caused. */
export class EffectLog {
  #effects: Effect[] = [];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(effect: {
    kind: string;
    id: string;
    jobId?: string | null | undefined;
    detail?: Record<string, unknown>;
  }): void {
    this.#effects.push({
      kind: effect.kind,
      id: effect.id,
      jobId: effect.jobId ?? null,
      at: this.#clock.now(),
      detail: effect.detail ?? {},
    });
  }

  list(filter: EffectFilter = {}): Effect[] {
    return this.#effects.filter(
      (effect) =>
        (filter.kind === undefined || effect.kind === filter.kind) &&
        (filter.jobId === undefined || effect.jobId === filter.jobId),
    );
  }

  count(filter: EffectFilter = {}): number {
    return this.list(filter).length;
  }

  /** Counts by kind. */
  counts(filter: EffectFilter = {}): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const effect of this.list(filter)) counts[effect.kind] = (counts[effect.kind] ?? 0) + 1;
    return counts;
  }

  clear(): void {
    this.#effects = [];
  }

  snapshot(): Effect[] {
    return structuredClone(this.#effects);
  }

  restore(effects: Effect[]): void {
    this.#effects = structuredClone(effects);
  }
}
