import type { Metrics } from '@queue-service/observability';
import { LRUCache } from 'lru-cache';

export interface ReadCacheOptions<Value> {
  readonly name: 'jobs' | 'queues';
  readonly maxEntries: number;
  /** No answer is older than this. */
  readonly maxAgeMs: number;
  /** How long one value may be believed, when less; 0 for not at all. */
  readonly ageOf?: (value: Value) => number;
  readonly nowMs: () => number;
  readonly metrics: Pick<Metrics, 'cacheRequests'>;
}

interface Kept<Value> {
  value: Value;
  untilMs: number;
}

/** Answers of the stores for a moment, and one question to them where many ask the same at once. */
export class ReadCache<Value extends object | null> {
  readonly #options: ReadCacheOptions<Value>;
  readonly #kept: LRUCache<string, Kept<Value>>;
  readonly #asked = new Map<string, Promise<Value>>();
  #hits = 0;
  #misses = 0;

  constructor(options: ReadCacheOptions<Value>) {
    this.#options = options;
    this.#kept = new LRUCache({ max: options.maxEntries });
  }

  async read(key: string, load: () => Promise<Value>): Promise<Value> {
    const { name, nowMs, metrics } = this.#options;
    const kept = this.#kept.get(key);
    const asked = kept !== undefined && nowMs() < kept.untilMs ? Promise.resolve(kept.value) : this.#asked.get(key);
    metrics.cacheRequests.inc({ cache: name, result: asked === undefined ? 'miss' : 'hit' });
    if (asked !== undefined) {
      this.#hits += 1;
      return asked;
    }
    this.#misses += 1;
    return this.#load(key, load);
  }

  /** What was asked before is not kept: it may be of before the change that this follows. */
  forget(key: string): void {
    this.#kept.delete(key);
    this.#asked.delete(key);
  }

  flush(): number {
    const { size } = this.#kept;
    this.#kept.clear();
    this.#asked.clear();
    return size;
  }

  stats() {
    const { name, maxEntries, maxAgeMs } = this.#options;
    const [hits, misses] = [this.#hits, this.#misses];
    const hitRate = hits + misses === 0 ? 0 : hits / (hits + misses);
    return { name, entries: this.#kept.size, maxEntries, hits, misses, hitRate, maxAgeMs };
  }

  async #load(key: string, load: () => Promise<Value>): Promise<Value> {
    const { nowMs, maxAgeMs, ageOf } = this.#options;
    // From when it was asked: the answer is as old as that.
    const atMs = nowMs();
    const asking = load();
    this.#asked.set(key, asking);
    try {
      const value = await asking;
      const ageMs = Math.min(maxAgeMs, ageOf?.(value) ?? maxAgeMs);
      if (ageMs > 0 && this.#asked.get(key) === asking) this.#kept.set(key, { value, untilMs: atMs + ageMs });
      return value;
    } finally {
      if (this.#asked.get(key) === asking) this.#asked.delete(key);
    }
  }
}
