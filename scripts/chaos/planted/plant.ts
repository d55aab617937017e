import { registerHooks } from 'node:module';

export interface PlantedFault {
  /** End of the module's path. */
  module: string;
  /** Texts of its source, and what stands there instead. */
  replace: readonly (readonly [string, string])[];
}

/**
 * A build with a fault: the source of modules is changed while they are loaded. Fails when a text is not there, so that
 * a planted fault cannot silently become none.
 */
export function plant(faults: readonly PlantedFault[]): void {
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      const fault = faults.find((candidate) => url.endsWith(candidate.module));
      if (fault === undefined) return loaded;
      let source = String(loaded.source);
      for (const [from, to] of fault.replace) {
        if (!source.includes(from)) throw new Error(`${fault.module} has no ${from}`);
        source = source.replaceAll(from, to);
      }
      return { ...loaded, source };
    },
  });
}
