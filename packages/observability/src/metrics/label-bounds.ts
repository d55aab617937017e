/** The value under which everything beyond the bounds is counted. */
export const OTHER = 'other';

/** Most distinct values of a label, by its name. A label that is not listed may have 50. */
const MOST_VALUES: Readonly<Record<string, number>> = {
  method: 10,
  status: 60,
  queue: 16,
  state: 16,
  provider: 16,
  route: 120,
  type: 64,
  code: 150,
  operation: 100,
};
const MOST_VALUES_BY_DEFAULT = 50;
const LONGEST_VALUE = 100;

/**
 * Keeps the number of time series bounded whatever callers pass: a label whose values are known in advance takes only those, any
 * other takes the first values it sees, up to its limit; the rest is counted as `other`. Without this one id in a label, or a
 * provider that invents error codes, fills Prometheus.
 */
export class LabelBounds {
  readonly #known: Readonly<Record<string, ReadonlySet<string>>>;
  readonly #seen = new Map<string, Set<string>>();

  /** `known`: the closed set of values of a label, by its name. */
  constructor(known: Readonly<Record<string, readonly string[]>> = {}) {
    this.#known = Object.fromEntries(Object.entries(known).map(([label, values]) => [label, new Set(values)]));
  }

  /** The labels of one observation, each within its bounds. */
  bind<Label extends string>(labels: Readonly<Record<Label, string>>): Record<Label, string> {
    const bound = {} as Record<Label, string>;
    for (const label in labels) bound[label] = this.#bindOne(label, labels[label]);
    return bound;
  }

  #bindOne(label: string, value: string): string {
    const known = this.#known[label];
    if (known) return known.has(value) ? value : OTHER;
    const seen = this.#seen.get(label) ?? new Set();
    this.#seen.set(label, seen);
    if (seen.has(value)) return value;
    if (value.length > LONGEST_VALUE || seen.size >= (MOST_VALUES[label] ?? MOST_VALUES_BY_DEFAULT)) return OTHER;
    seen.add(value);
    return value;
  }
}
