export type { Identity } from './login/sessions.ts';
export { type ConsoleOptions, consoleRouter } from './router.ts';
