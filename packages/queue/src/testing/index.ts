export { advance } from '../flows/advance.ts';
export { Abort } from '../host/abort.ts';
export { attemptOutcome } from '../host/attempt.ts';
export { type Outcome, outcomeOf } from '../host/outcome.ts';
export { createMemoryEffects, type MemoryEffects } from './memory-effects.ts';
