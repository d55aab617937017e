import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { describe, expect, test } from 'vitest';

/**
 * Which workspace packages a package's source may import. Whatever is not listed here may import nothing of the house;
 * a new package must be given its place first.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  contracts: [],
  observability: [],
  outbound: ['observability'],
  providers: ['contracts'],
  persistence: ['contracts', 'observability'],
  queue: ['contracts', 'persistence', 'observability'],
  client: ['contracts'],
  'report-storage': [],
  cli: ['client', 'contracts'],
  console: ['client', 'contracts'],
  sandbox: [],
};
const APPS_MAY_IMPORT = [
  'console',
  'contracts',
  'observability',
  'outbound',
  'providers',
  'persistence',
  'queue',
  'report-storage',
];
/** What stands in for the outside world; in tests only. */
const IN_TESTS = ['sandbox'];

const root = join(import.meta.dirname, '..');
const SCOPE = '@queue-service/';

interface Workspace {
  /** `apps/api`, `packages/queue`. */
  path: string;
  name: string;
  allowed: readonly string[];
}

const workspaces: Workspace[] = globSync(['packages/*/package.json', 'apps/*/package.json'], { cwd: root })
  .map((file) => dirname(file).split(sep).join('/'))
  .sort()
  .map((path) => {
    const name = path.split('/')[1] ?? '';
    return { path, name, allowed: path.startsWith('apps/') ? APPS_MAY_IMPORT : (MAY_IMPORT[name] ?? []) };
  });

/** Static, dynamic, side-effect and re-exporting imports, and types. */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g;

function importsOf(source: string): string[] {
  return [...source.matchAll(IMPORT)].flatMap((match) => match[1] ?? []);
}

function isTest(file: string): boolean {
  return file.endsWith('.test.ts') || file.includes('/testing/');
}

/** The client's tarball has the contracts inside, so it reaches them by path; the file says why. */
const carriesContracts = 'packages/client/src/contracts.ts';

/** What is wrong with one import, or `undefined`. */
function violation(workspace: Workspace, file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const target = relative(root, resolve(root, dirname(file), specifier))
      .split(sep)
      .join('/');
    const crosses =
      !target.startsWith(`${workspace.path}/`) && /^(apps|packages)\//.test(target) && file !== carriesContracts;
    return crosses ? `${file}: ${specifier} reaches into another package; import it by its name` : undefined;
  }
  if (!specifier.startsWith(SCOPE)) return undefined;
  const [name = ''] = specifier.slice(SCOPE.length).split('/');
  if (name === workspace.name || workspace.allowed.includes(name)) return undefined;
  if (isTest(file) && IN_TESTS.includes(name)) return undefined;
  return `${file}: ${workspace.path} may not import ${specifier}`;
}

describe('the direction of imports', () => {
  test.each(workspaces)('$path imports only what it may know', (workspace) => {
    const files = globSync(`${workspace.path}/src/**/*.ts`, { cwd: root });
    const broken = files.flatMap((file) =>
      importsOf(readFileSync(join(root, file), 'utf8')).flatMap(
        (specifier) => violation(workspace, file, specifier) ?? [],
      ),
    );
    expect(broken).toEqual([]);
  });

  test.each(workspaces)('$path depends only on what it may know', (workspace) => {
    const manifest = JSON.parse(readFileSync(join(root, workspace.path, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>;
    };
    const known = Object.keys(manifest.dependencies ?? {}).filter((name) => name.startsWith(SCOPE));
    expect(known.filter((name) => !workspace.allowed.includes(name.slice(SCOPE.length)))).toEqual([]);
  });

  test('every package has its place', () => {
    const packages = workspaces.filter(({ path }) => path.startsWith('packages/')).map(({ name }) => name);
    expect(packages).toEqual(Object.keys(MAY_IMPORT).sort());
  });
});

describe('this check', () => {
  const queue = { path: 'packages/queue', name: 'queue', allowed: MAY_IMPORT['queue'] ?? [] };
  const api = { path: 'apps/api', name: 'api', allowed: APPS_MAY_IMPORT };

  test('sees every way to import', () => {
    const source = `
      import a from 'one';
      import type { B } from "two";
      import 'three';
      export * from 'four';
      const five = await import('five');
      type Six = import('six').Six;
      import {
        several,
      } from 'seven';`;
    expect(importsOf(source)).toEqual(['one', 'two', 'three', 'four', 'five', 'six', 'seven']);
  });

  test('finds an import up, across and into another package', () => {
    expect(violation(queue, 'packages/queue/src/a.ts', '@queue-service/api')).toMatch('may not import');
    expect(violation(api, 'apps/api/src/a.ts', '@queue-service/worker-money')).toMatch('may not import');
    expect(violation(api, 'apps/api/src/a.ts', '../../worker-money/src/b.ts')).toMatch('reaches into');
    expect(violation(queue, 'packages/queue/src/a.ts', '@queue-service/contracts')).toBeUndefined();
    expect(violation(api, 'apps/api/src/routes/a.ts', '../app.ts')).toBeUndefined();
  });

  test('lets the sandbox into tests and nowhere else', () => {
    expect(violation(api, 'apps/api/src/a.ts', '@queue-service/sandbox')).toMatch('may not import');
    expect(violation(api, 'apps/api/src/a.test.ts', '@queue-service/sandbox/testing')).toBeUndefined();
  });
});
