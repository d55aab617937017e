import { inject } from 'vitest';
import type { TestServers } from './test-servers.ts';

/** The servers of this run. @throws Error when vitest was not started with the configuration at the repository's root. */
export function testServers(): TestServers {
  const servers = inject('testServers');
  if (servers === undefined) {
    throw new Error('No test servers: run vitest from the root of the repository (its vitest.config.ts starts them).');
  }
  return servers;
}
