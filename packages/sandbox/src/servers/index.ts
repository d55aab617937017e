export { libraryFolders, unpackDebianPackages, unpackFailure } from './debian-packages.ts';
export { dieWithThisProcess } from './die-with-this-process.ts';
export type { EmbeddedServer } from './embedded-server.ts';
export { freeLoopbackPort } from './loopback-port.ts';
export { type StartPostgresOptions, startPostgres } from './postgres.ts';
export { type StartRedisOptions, startRedis } from './redis.ts';
export { type StartSentinelOptions, startSentinel } from './redis-sentinel.ts';
export { repositoryCacheDir } from './repository-cache.ts';
