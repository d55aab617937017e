import type { FieldProblem } from '@queue-service/contracts';

/** How much structure a body may have, besides its size in bytes. */
export interface StructureLimits {
  readonly depth: number;
  /** Members of objects and elements of lists, in all. */
  readonly members: number;
}

interface Place {
  readonly value: unknown;
  readonly key: string;
  readonly parent: Place | null;
  readonly depth: number;
}

/**
 * What no contract can allow in parsed JSON: nesting and member counts that cost more to check than the body to send, keys that
 * reach for prototypes, text that PostgreSQL cannot store and numbers that JSON cannot repeat. Refused, never repaired: a payload that
 * was changed on the way is another payload.
 */
export function hostileParts(body: unknown, limits: StructureLimits): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const open: Place[] = [{ value: body, key: '', parent: null, depth: 0 }];
  let members = 0;
  // A loop and not recursion: a megabyte of `[` is nested deeper than the stack.
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value } = place;
    if (typeof value === 'string' && !isStorable(value)) problems.push(problemAt(place, ...TEXT));
    if (typeof value === 'number' && !Number.isFinite(value))
      problems.push(problemAt(place, 'is not a finite number', 'invalid_number'));
    if (typeof value !== 'object' || value === null) continue;
    if (place.depth >= limits.depth)
      return [problemAt(place, `is nested deeper than ${limits.depth} levels`, 'too_deep')];
    for (const [key, part] of Object.entries(value)) {
      members += 1;
      if (members > limits.members) {
        return [{ path: '', message: `has more than ${limits.members} fields and elements`, code: 'too_many_members' }];
      }
      const child: Place = { value: part, key, parent: place, depth: place.depth + 1 };
      if (reachesForPrototype(key, part))
        problems.push(problemAt(child, 'is a key that is not allowed', 'forbidden_key'));
      else if (isStorable(key)) open.push(child);
      else problems.push(problemAt(place, ...TEXT));
    }
  }
  return problems;
}

const TEXT = ['has a NUL character or half a surrogate pair', 'invalid_text'] as const;

/** Neither text nor jsonb of PostgreSQL takes NUL or a lone surrogate. */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

function reachesForPrototype(key: string, value: unknown): boolean {
  if (key === '__proto__') return true;
  return key === 'constructor' && typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}

function problemAt(place: Place, message: string, code: string): FieldProblem {
  const path: string[] = [];
  for (let at: Place | null = place; at?.parent; at = at.parent) path.unshift(at.key);
  return { path: path.join('.'), message, code };
}
