/** `{"$ref": "steps.<name>.result.<field>…"}` or `{"$ref": "steps.<name>.jobId"}`: a value that an earlier step makes. */
export interface Reference {
  /** Where in the payload it stands. */
  at: readonly string[];
  step: string;
  /** Path from the step: `['result', 'paymentIntentId']` or `['jobId']`. */
  path: readonly string[];
  text: string;
}

/** What a finished step offers to later ones. */
export interface StepOutput {
  jobId: string;
  result: Record<string, unknown> | null;
}

const pattern = /^steps\.([A-Za-z][\w-]*)\.(jobId|result(?:\.[\w-]+)+)$/;

export class BadReferenceError extends Error {
  readonly at: readonly string[];

  constructor(at: readonly string[], message: string) {
    super(message);
    this.name = 'BadReferenceError';
    this.at = at;
  }
}

/** @throws BadReferenceError for a `$ref` that has no valid form */
export function findReferences(data: unknown, at: readonly string[] = []): Reference[] {
  if (typeof data !== 'object' || data === null) return [];
  if (Object.hasOwn(data, '$ref')) return [parseReference(data as Record<string, unknown>, at)];
  return Object.entries(data).flatMap(([key, part]) => findReferences(part, [...at, key]));
}

function parseReference(holder: Record<string, unknown>, at: readonly string[]): Reference {
  const text = holder.$ref;
  const match = typeof text === 'string' ? pattern.exec(text) : null;
  if (match?.[1] === undefined || match[2] === undefined || Object.keys(holder).length !== 1) {
    throw new BadReferenceError(at, 'a $ref stands alone and reads steps.<name>.result.<field> or steps.<name>.jobId');
  }
  return { at, step: match[1], path: match[2].split('.'), text: text as string };
}

/**
 * `data` with every reference replaced by its value.
 * @throws BadReferenceError when a step has not made the value
 */
export function resolveReferences(
  data: unknown,
  output: (step: string) => StepOutput | undefined,
  at: readonly string[] = [],
): unknown {
  if (typeof data !== 'object' || data === null) return data;
  if (Object.hasOwn(data, '$ref')) {
    const reference = parseReference(data as Record<string, unknown>, at);
    const value = reference.path.reduce<unknown>(
      (part, key) =>
        typeof part === 'object' && part !== null && Object.hasOwn(part, key)
          ? (part as Record<string, unknown>)[key]
          : undefined,
      output(reference.step),
    );
    if (value === undefined) throw new BadReferenceError(at, `${reference.text} has no value`);
    return value;
  }
  if (Array.isArray(data)) return data.map((part, index) => resolveReferences(part, output, [...at, String(index)]));
  return Object.fromEntries(
    Object.entries(data).map(([key, part]) => [key, resolveReferences(part, output, [...at, key])]),
  );
}
