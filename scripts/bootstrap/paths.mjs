import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '');
/** Everything that was fetched for this checkout. Deleting it costs a download and nothing else. */
export const cache = join(root, '.cache');
