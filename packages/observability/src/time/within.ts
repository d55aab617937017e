/**
 * The result of `work` if it comes within `ms`, else undefined; the work itself goes on. A rejection in time rejects, a later one
 * is swallowed, because nobody is left to hear it.
 */
export function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(undefined), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
