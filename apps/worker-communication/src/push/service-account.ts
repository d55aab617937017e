import { readFileSync } from 'node:fs';
import { z } from 'zod';

const schema = z.object({
  project_id: z.string().min(1),
  client_email: z.string().min(1),
  private_key: z.string().includes('PRIVATE KEY'),
  token_uri: z.url({ protocol: /^https?$/ }).optional(),
});

/** The parts of a Google service account key that are used. */
export type ServiceAccount = z.infer<typeof schema>;

/**
 * Reads a service account key as Google hands it out.
 * @param value the JSON text, or the path of a file with it
 * @throws Error that names the bad fields, never a value
 */
export function readServiceAccount(value: string): ServiceAccount {
  const parsed = schema.safeParse(json(value.trimStart().startsWith('{') ? value : contentOf(value)));
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => issue.path.join('.') || 'the document').join(', ');
  throw new Error(`is not a Google service account key: ${fields} missing or wrong`);
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    throw new Error('is neither JSON nor the path of a readable file');
  }
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('is not valid JSON');
  }
}
