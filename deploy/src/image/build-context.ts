import { cp, readFile } from 'node:fs/promises';
import { join, matchesGlob, relative } from 'node:path';

/** Whether Docker would send a path, by the rules of a .dockerignore: the last pattern that matches decides. */
export function sentBy(ignoreFile: string): (path: string) => boolean {
  const rules = ignoreFile
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ pattern: line.replace(/^!/, '').replace(/\/$/, ''), sends: line.startsWith('!') }));
  return (path) => {
    const parts = path.split('/');
    const above = parts.map((_part, index) => parts.slice(0, index + 1).join('/'));
    const last = rules.findLast(({ pattern }) => above.some((one) => matchesGlob(one, pattern)));
    return last?.sends ?? true;
  };
}

/** Copies what `docker build` would get of a repository. */
export async function copyBuildContext(root: string, target: string): Promise<void> {
  const sent = sentBy(await readFile(join(root, '.dockerignore'), 'utf8'));
  await cp(root, target, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (source) => {
      const path = relative(root, source);
      return path === '' || sent(path);
    },
  });
}
