export type { ScriptRunner } from './bucket.ts';
export { createProviderLimiter, type ProviderLimiter, type ProviderLimiterOptions } from './provider-limiter.ts';
