/** Where "now" comes from: it decides deadlines and whether a key may be forgotten, so tests move it. Epoch milliseconds. */
export interface Clock {
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };
