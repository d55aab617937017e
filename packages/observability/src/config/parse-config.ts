import type { z } from 'zod';
import { ConfigError, type ConfigProblem } from './config-error.ts';

/** The shape of `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A condition on several variables together. Zod skips such conditions while a single variable is wrong, which would
 * show a user the next problem only after the first is mended; these always run.
 */
export type ConfigRule = (isSet: (variable: string) => boolean) => ConfigProblem | undefined;

/** At least one of the variables must be set. */
export function requireOneOf(...variables: readonly string[]): ConfigRule {
  return (isSet) =>
    variables.some(isSet) ? undefined : { variable: variables.join(', '), reason: 'at least one of these must be set' };
}

/** All of the variables must be set, or none. */
export function requireTogether(...variables: readonly string[]): ConfigRule {
  return (isSet) => {
    const missing = variables.filter((name) => !isSet(name));
    if (missing.length === 0 || missing.length === variables.length) return undefined;
    const set = variables.filter(isSet);
    return { variable: missing.join(', '), reason: `must be set as well, because ${set.join(', ')} is` };
  };
}

/**
 * Reads a process's configuration from its environment.
 *
 * Values are trimmed (a Kubernetes Secret made from a file often ends in a newline), and a variable that is then empty
 * counts as unset (Helm and Compose write `NAME=` for a value nobody gave). Variables the schema does not name are ignored.
 *
 * @throws ConfigError naming every variable that is missing or wrong, and why, but never a value.
 */
export function parseConfig<Schema extends z.ZodType>(
  schema: Schema,
  env: Environment,
  rules: readonly ConfigRule[] = [],
): z.output<Schema> {
  const given = givenValues(env);
  const parsed = schema.safeParse(given);
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => problemOf(issue, given));
  problems.push(...rules.flatMap((rule) => rule((variable) => given[variable] !== undefined) ?? []));
  if (parsed.success && problems.length === 0) return parsed.data;
  throw new ConfigError(distinct(problems));
}

function givenValues(env: Environment): Record<string, string> {
  const given: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const trimmed = value?.trim();
    if (trimmed) given[name] = trimmed;
  }
  return given;
}

function problemOf(issue: z.core.$ZodIssue, given: Record<string, string>): ConfigProblem {
  const [first] = issue.path;
  if (first === undefined) return { variable: 'environment', reason: issue.message };
  const variable = String(first);
  const value = given[variable];
  if (value === undefined) return { variable, reason: issue.code === 'custom' ? issue.message : 'is not set' };
  return { variable, reason: withoutValue(issue.message, value) };
}

/** Zod's own messages hold no input, but a refinement may quote what it refuses. */
function withoutValue(reason: string, value: string): string {
  const literal = value.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return reason.replaceAll(new RegExp(`(?<![\\w-])${literal}(?![\\w-])`, 'g'), '[value]');
}

function distinct(problems: ConfigProblem[]): ConfigProblem[] {
  const seen = new Map(problems.map((problem) => [`${problem.variable}\n${problem.reason}`, problem]));
  return [...seen.values()];
}
