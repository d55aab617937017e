export { type DemoProviders, type DemoProvidersOptions, startDemoProviders } from './providers.ts';
export { type DemoSecrets, demoSecrets } from './secrets.ts';
export { demoToken } from './token.ts';
