import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { LabelBounds } from './label-bounds.ts';

/** Values of all labels of a metric; forgetting one is a type error. */
export type Labels<Label extends string> = Readonly<Record<Label, string>>;

/** A number of things that happened. */
export interface CounterOf<Label extends string> {
  /** Counts `by` (default 1) more. */
  inc(labels: Labels<Label>, by?: number): void;
}

/** A state that goes up and down. */
export interface GaugeOf<Label extends string> {
  set(labels: Labels<Label>, value: number): void;
  /** Forgets all values, e.g. when another replica has become the one that measures them. */
  reset(): void;
}

/** How long things took, in seconds. */
export interface DurationOf<Label extends string> {
  observe(labels: Labels<Label>, seconds: number): void;
  /** Starts measuring; the returned function observes the time since then under the labels it is given, and returns the seconds. */
  start(): (labels: Labels<Label>) => number;
}

/** Makes metrics with one prefix in one registry, with bounded labels. */
export interface Instruments {
  counter<Label extends string>(name: string, help: string, labels: readonly Label[]): CounterOf<Label>;
  gauge<Label extends string>(name: string, help: string, labels: readonly Label[]): GaugeOf<Label>;
  duration<Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    bucketsSeconds: readonly number[],
  ): DurationOf<Label>;
}

export function createInstruments(registry: Registry, prefix: string, bounds: LabelBounds): Instruments {
  const config = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) => ({
    name: `${prefix}${name}`,
    help,
    labelNames: [...labelNames],
    registers: [registry],
  });
  return {
    counter: (name, help, labels) => {
      const counter = new Counter(config(name, help, labels));
      return { inc: (values, by = 1) => counter.inc(bounds.bind(values), by) };
    },
    gauge: (name, help, labels) => {
      const gauge = new Gauge(config(name, help, labels));
      return { set: (values, value) => gauge.set(bounds.bind(values), value), reset: () => gauge.reset() };
    },
    duration: (name, help, labels, bucketsSeconds) => {
      const histogram = new Histogram({ ...config(name, help, labels), buckets: [...bucketsSeconds] });
      return {
        // A clock that was set back must not make a sum go down: Prometheus would take that for a restart.
        observe: (values, seconds) => histogram.observe(bounds.bind(values), Math.max(0, seconds)),
        start: () => {
          const startedMs = performance.now();
          return (values) => {
            const seconds = (performance.now() - startedMs) / 1_000;
            histogram.observe(bounds.bind(values), seconds);
            return seconds;
          };
        },
      };
    },
  };
}
