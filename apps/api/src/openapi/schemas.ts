import * as contractExports from '@queue-service/contracts';
import { contractOf, jobTypes } from '@queue-service/contracts';
import { z } from 'zod';

export type JsonSchema = Record<string, unknown>;

/** `input`: as a client sends it. `output`: as the service answers. */
type Direction = 'input' | 'output';

/** Schemas of the document. Those that have a name stand in `components` once and are referred to. */
export interface SchemaBook {
  of(schema: z.ZodType, direction: Direction): JsonSchema;
  /** Everything that was referred to so far, by name. */
  components(): Record<string, JsonSchema>;
}

export function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|[-_])(\w)/g, (_, letter: string) => letter.toUpperCase());
}

/** What the contracts export is named by its export, what belongs to a job type by that type. */
function namedSchemas(): Map<z.ZodType, string> {
  const exported = Object.entries(contractExports).flatMap(([name, value]): [z.ZodType, string][] =>
    value instanceof z.ZodObject && name.endsWith('Schema') ? [[value, pascalCase(name.slice(0, -6))]] : [],
  );
  const ofTypes = jobTypes.flatMap((type): [z.ZodType, string][] => {
    const { payload, result } = contractOf(type);
    return [
      [payload, `${pascalCase(type)}Payload`],
      [result, `${pascalCase(type)}Result`],
    ];
  });
  return new Map([...exported, ...ofTypes]);
}

export function createSchemaBook(): SchemaBook {
  const names = namedSchemas();
  const components = new Map<string, JsonSchema>();

  const convert = (schema: z.ZodType, io: Direction): JsonSchema => {
    const found: JsonSchema = z.toJSONSchema(schema, {
      io,
      unrepresentable: 'any',
      override: ({ zodSchema, jsonSchema, path }) => {
        const target = jsonSchema as JsonSchema;
        // The bounds of safe integers say nothing.
        if (target['minimum'] === Number.MIN_SAFE_INTEGER) delete target['minimum'];
        if (target['maximum'] === Number.MAX_SAFE_INTEGER) delete target['maximum'];
        const named = zodSchema as unknown as z.ZodType;
        if (path.length === 0 || !names.has(named)) return;
        for (const key of Object.keys(target)) delete target[key];
        Object.assign(target, refer(named, io));
      },
    });
    const { $schema: _, $defs = {}, ...rest } = found;
    return hoisted(rest, $defs as Record<string, JsonSchema>);
  };

  /** Definitions of one schema have no place below a schema of the document: they become components. */
  const hoisted = (schema: JsonSchema, definitions: Record<string, JsonSchema>): JsonSchema => {
    const moved = Object.keys(definitions).map(
      (name) => [name, `JsonValue${name.replace(/^__schema0?/, '')}`] as const,
    );
    if (moved.length === 0) return schema;
    const rewrite = (part: JsonSchema): JsonSchema =>
      JSON.parse(
        moved.reduce(
          (text, [name, to]) => text.replaceAll(`"#/$defs/${name}"`, `"#/components/schemas/${to}"`),
          JSON.stringify(part),
        ),
      );
    for (const [name, to] of moved) components.set(to, rewrite(definitions[name] as JsonSchema));
    return rewrite(schema);
  };

  const refer = (schema: z.ZodType, io: Direction): JsonSchema => {
    const name = `${names.get(schema)}${io === 'input' && differs(schema) ? 'Input' : ''}`;
    if (!components.has(name)) {
      components.set(name, {}); // A schema may refer to itself.
      components.set(name, convert(schema, io));
    }
    return { $ref: `#/components/schemas/${name}` };
  };

  return {
    of: (schema, direction) => (names.has(schema) ? refer(schema, direction) : convert(schema, direction)),
    components: () => Object.fromEntries([...components].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function differs(schema: z.ZodType): boolean {
  const text = (io: Direction) => JSON.stringify(z.toJSONSchema(schema, { io, unrepresentable: 'any' }));
  return text('input') !== text('output');
}
