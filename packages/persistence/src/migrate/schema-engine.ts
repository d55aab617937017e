import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as engineModule from '@prisma/schema-engine-wasm/schema_engine_bg';
import { migrationAdapterFactory } from './migration-adapter.ts';

/** What the generated glue has besides the engine's own classes. */
interface Glue {
  __wbg_set_wasm(exports: object): void;
}

/** The part of the WebAssembly interface that is used here; Node's own types leave it out. */
interface WebAssemblyGlobal {
  instantiate(bytes: Uint8Array, imports: object): Promise<{ instance: { exports: Record<string, unknown> } }>;
  RuntimeError: new () => Error;
}
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyGlobal };

// Once a process: the glue keeps the WebAssembly instance in a variable of its module, and a second instance would pull
// the memory away from engines that still work with the first.
let instantiated: Promise<void> | undefined;

/** The glue reports a panic's text to a global of this name just before the engine traps. */
const panicRegistry = {
  message: '',
  set_message(message: string): void {
    panicRegistry.message = message;
  },
};

/**
 * The functions the engine calls. Its timer against a lock that never comes is never cleared, and would keep a program
 * that is done alive for ten seconds.
 */
function engineImports(): Record<string, unknown> {
  const imports: Record<string, unknown> = { ...engineModule };
  for (const name of Object.keys(imports).filter((key) => key.startsWith('__wbg_setTimeout_'))) {
    imports[name] = (callback: () => void, delayMs: number) => setTimeout(callback, delayMs).unref();
  }
  return imports;
}

async function instantiate(): Promise<void> {
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: panicRegistry });
  const glue = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = await readFile(join(dirname(glue), 'schema_engine_bg.wasm'));
  const { instance } = await WebAssembly.instantiate(bytes, {
    './schema_engine_bg.js': engineImports(),
  });
  (engineModule as unknown as Glue).__wbg_set_wasm(instance.exports);
  (instance.exports['__wbindgen_start'] as () => void)();
}

/**
 * Prisma's schema engine, compiled to WebAssembly: migrations without the binary that Prisma's command line downloads,
 * so they also run where there is no way out.
 */
export async function withSchemaEngine<T>(
  databaseUrl: string,
  schema: { path: string; content: string },
  work: (engine: engineModule.SchemaEngine) => Promise<T>,
): Promise<T> {
  instantiated ??= instantiate();
  await instantiated;
  const adapters = migrationAdapterFactory(databaseUrl);
  try {
    const engine = await engineModule.SchemaEngine.new(
      { datamodels: [[schema.path, schema.content]] },
      () => undefined,
      bindMigrationAwareSqlAdapterFactory(adapters.factory),
    );
    try {
      return await work(engine);
    } finally {
      engine.free();
    }
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    throw new Error(`Prisma's schema engine failed: ${panicRegistry.message}`, { cause: error });
  } finally {
    await adapters.close();
  }
}
