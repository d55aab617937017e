import { type Standalone, type StandaloneOptions, startAlone } from '../http/standalone.ts';
import { type SegmentOptions, SegmentSimulator } from './simulator.ts';

/** A simulated Segment on its own port: the `host` of `Analytics`. */
export function startSegment(options: SegmentOptions & StandaloneOptions = {}): Promise<SegmentSimulator & Standalone> {
  return startAlone((clock) => new SegmentSimulator(clock, options), options);
}
