import { readFile, rename, writeFile } from 'node:fs/promises';

/**
 * Keeps one JSON document in a file. A save that comes while another is written is joined with it, so that a burst of
 * requests costs two writes; the file is replaced by rename, so a kill never leaves half of it.
 */
export class StateFile {
  readonly #path: string;
  readonly #read: () => unknown;
  #writing: Promise<void> | undefined;
  #dirty = false;
  #failure: unknown;

  constructor(path: string, read: () => unknown) {
    this.#path = path;
    this.#read = read;
  }

  /** The saved document, or undefined when there is none. @throws SyntaxError when the file is not JSON. */
  async load(): Promise<unknown> {
    try {
      return JSON.parse(await readFile(this.#path, 'utf8'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Saves soon. */
  touch(): void {
    this.#dirty = true;
    this.#writing ??= this.#drain().catch((error: unknown) => {
      this.#failure = error;
    });
  }

  /** Resolves when everything up to now is in the file. @throws what the last write threw. */
  async flush(): Promise<void> {
    this.touch();
    await this.#writing;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #drain(): Promise<void> {
    try {
      while (this.#dirty) {
        this.#dirty = false;
        const temporary = `${this.#path}.new`;
        await writeFile(temporary, JSON.stringify(this.#read()));
        await rename(temporary, this.#path);
      }
    } finally {
      this.#writing = undefined;
    }
  }
}
