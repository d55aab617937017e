export type { EmbeddedServer } from '../servers/embedded-server.ts';
export { useDatabase, useEmptyDatabase } from './database.ts';
export { startOwnPostgres, startOwnRedis, startOwnSentinel } from './own-servers.ts';
export { usePrefix } from './prefix.ts';
export { type StartTestServersOptions, startTestServers, type TestServers } from './test-servers.ts';
