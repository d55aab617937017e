import { globSync } from 'node:fs';
import { basename, join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** Nothing of these outlives a file but compiled modules: they are loaded once a process, not once a file. */
const shareModules = [
  'api',
  'client',
  'contracts',
  'observability',
  'providers',
  'queue',
  'scheduler',
  'worker-background',
  'worker-communication',
];
const workspaces = globSync(['packages/*', 'apps/*', 'deploy'], { cwd: import.meta.dirname });

export default defineConfig({
  test: {
    globalSetup: ['scripts/testing/global-setup.ts'],
    setupFiles: [join(import.meta.dirname, 'packages/sandbox/src/testing/setup-file.ts')],
    // A process a file: native modules (the Solana VM), signals and working directories do not leak between files.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 15_000 } },
    teardownTimeout: 30_000,
    projects: [
      ...workspaces.map((root) => ({
        extends: true as const,
        test: {
          name: basename(root),
          root,
          include: ['src/**/*.test.ts'],
          isolate: !shareModules.includes(basename(root)),
        },
      })),
      { extends: true as const, test: { name: 'scripts', root: '.', include: ['scripts/**/*.test.ts'] } },
    ],
  },
});
