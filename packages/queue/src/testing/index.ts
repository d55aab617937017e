export { createMemoryEffects, type MemoryEffects } from './memory-effects.ts';
