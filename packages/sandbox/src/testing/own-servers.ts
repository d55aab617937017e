import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EmbeddedServer } from '../servers/embedded-server.ts';
import { type StartPostgresOptions, startPostgres } from '../servers/postgres.ts';
import { type StartRedisOptions, startRedis } from '../servers/redis.ts';
import { type StartSentinelOptions, startSentinel } from '../servers/redis-sentinel.ts';
import { afterTestFile } from './file-cleanup.ts';

async function own(name: string, start: (dataDir: string) => Promise<EmbeddedServer>): Promise<EmbeddedServer> {
  let server: EmbeddedServer | undefined;
  const folder = await mkdtemp(join(tmpdir(), `queue-service-${name}-`));
  afterTestFile(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  server = await start(join(folder, 'data'));
  return server;
}

/**
 * A Redis of the calling test file's own, for tests that flush, kill, freeze or restart it; stopped after the tests.
 */
export function startOwnRedis(options: Omit<StartRedisOptions, 'dataDir'> = {}): Promise<EmbeddedServer> {
  return own('redis', (dataDir) => startRedis({ ...options, dataDir }));
}

/** A Sentinel of the calling test file's own; stopped after the tests. */
export function startOwnSentinel(options: Omit<StartSentinelOptions, 'dataDir'>): Promise<EmbeddedServer> {
  return own('sentinel', (dataDir) => startSentinel({ ...options, dataDir }));
}

/**
 * A PostgreSQL of the calling test file's own with an empty database, for tests that kill or restart it; stopped after the tests.
 * Not durable against a power cut unless asked for, durable against kill -9.
 */
export function startOwnPostgres(options: Omit<StartPostgresOptions, 'dataDir'> = {}): Promise<EmbeddedServer> {
  return own('postgres', (dataDir) => startPostgres({ durable: false, ...options, dataDir }));
}
