import { fileURLToPath } from 'node:url';

/** `.cache` at the root of this repository: what was fetched for this checkout, and the data of its embedded servers. */
export function repositoryCacheDir(): string {
  return fileURLToPath(new URL('../../../../.cache', import.meta.url));
}
