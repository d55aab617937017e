import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ReportStorage } from './report-storage.ts';

/** Reports as files in a folder, which is made when it is needed. */
export function createFileStorage(folder: string): ReportStorage {
  return {
    put: async (name, body, _contentType, signal) => {
      const path = join(folder, name);
      const part = `${path}.${randomUUID()}.part`;
      await mkdir(dirname(path), { recursive: true });
      try {
        await pipeline(body, createWriteStream(part, { flags: 'wx', mode: 0o640, flush: true }), { signal });
        await rename(part, path);
        await syncFolder(dirname(path));
      } catch (error) {
        await rm(part, { force: true });
        throw error;
      }
    },
    open: async (name) => {
      const stream = createReadStream(join(folder, name));
      try {
        await once(stream, 'open');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
      return stream;
    },
    remove: (name) => rm(join(folder, name), { force: true }),
    close: () => undefined,
  };
}

/** The new name itself is on the disk only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
