import qs from 'qs';
import { badParameter } from './errors.ts';

export type Form = { [key: string]: FormValue };
export type FormValue = string | Form | FormValue[];

const DEPTH = 10;
const MANY = 5000;

/** Stripe's form encoding: `metadata[order]=1`, `expand[0]=latest_charge`, `expand[]=latest_charge`. */
export function parseForm(encoded: string): Form {
  const parsed = qs.parse(encoded, { depth: DEPTH, arrayLimit: MANY, parameterLimit: MANY, plainObjects: false });
  return parsed as Form;
}

/** The same parameters in any order give the same text; what the idempotency layer compares. */
export function canonical(value: FormValue): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  const keys = Object.keys(value).toSorted();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key] as FormValue)}`).join(',')}}`;
}

const METADATA_KEYS = 50;
const METADATA_KEY_LENGTH = 40;
const METADATA_VALUE_LENGTH = 500;

/** Reads an endpoint's parameters with Stripe's own complaints. Every failure is one that Stripe does not save. */
export class Params {
  readonly #form: Form;
  readonly #prefix: string;

  /** @throws StripeFailure `parameter_unknown` when the form holds a name that is not in `known`. */
  constructor(form: Form, known: readonly string[], prefix = '') {
    this.#form = form;
    this.#prefix = prefix;
    for (const name of Object.keys(form)) {
      if (!known.includes(name) && name !== 'expand') {
        throw badParameter(`Received unknown parameter: ${this.#named(name)}`, this.#named(name), 'parameter_unknown');
      }
    }
  }

  has(name: string): boolean {
    return this.#form[name] !== undefined;
  }

  isText(name: string): boolean {
    return typeof this.#form[name] === 'string';
  }

  text(name: string): string | undefined {
    const value = this.#form[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'string') throw badParameter(`Invalid string: ${JSON.stringify(value)}`, this.#named(name));
    if (value === '') {
      throw badParameter(
        `You passed an empty string for '${this.#named(name)}'. We assume empty values are an attempt to unset a parameter; however '${this.#named(name)}' cannot be unset. You should remove '${this.#named(name)}' from your request or supply a non-empty value.`,
        this.#named(name),
        'parameter_invalid_empty',
      );
    }
    return value;
  }

  requiredText(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw this.#required(name);
    return value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!allowed.includes(value as T)) {
      const list = allowed.length === 1 ? allowed[0] : `${allowed.slice(0, -1).join(', ')}, or ${allowed.at(-1)}`;
      throw badParameter(`Invalid ${this.#named(name)}: must be one of ${list}`, this.#named(name));
    }
    return value as T;
  }

  integer(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^-?\d+$/.test(value)) {
      throw badParameter(`Invalid integer: ${value}`, this.#named(name), 'parameter_invalid_integer');
    }
    return Number(value);
  }

  /** An amount of at least 1. */
  amount(name: string): number | undefined {
    const value = this.integer(name);
    if (value !== undefined && value < 1) {
      throw badParameter(
        'This value must be greater than or equal to 1.',
        this.#named(name),
        'parameter_invalid_integer',
      );
    }
    return value;
  }

  requiredAmount(name: string): number {
    const value = this.amount(name);
    if (value === undefined) throw this.#required(name);
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (value !== 'true' && value !== 'false') throw badParameter(`Invalid boolean: ${value}`, this.#named(name));
    return value === 'true';
  }

  texts(name: string): string[] | undefined {
    const value = this.#form[name];
    if (value === undefined) return undefined;
    const items = Array.isArray(value) ? value : typeof value === 'object' ? Object.values(value) : undefined;
    if (!items?.every((item) => typeof item === 'string')) throw badParameter('Invalid array', this.#named(name));
    return items as string[];
  }

  /** A nested hash, read by its own names. */
  hash(name: string, known: readonly string[]): Params | undefined {
    const value = this.#form[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) throw badParameter('Invalid hash', this.#named(name));
    return new Params(value, known, this.#named(name));
  }

  /** A nested hash that is taken as it is. */
  anyHash(name: string): Form | undefined {
    const value = this.#form[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || Array.isArray(value)) throw badParameter('Invalid hash', this.#named(name));
    return value;
  }

  metadata(): Record<string, string> {
    const value = this.#form['metadata'];
    if (value === undefined || value === '') return {};
    if (typeof value !== 'object' || Array.isArray(value)) throw badParameter('Invalid hash', 'metadata');
    const entries = Object.entries(value);
    if (entries.length > METADATA_KEYS) {
      throw badParameter(`You can only specify up to ${METADATA_KEYS} keys`, 'metadata');
    }
    for (const [key, item] of entries) {
      if (key.length > METADATA_KEY_LENGTH) {
        throw badParameter(`Metadata keys can be at most ${METADATA_KEY_LENGTH} characters long`, 'metadata');
      }
      if (typeof item !== 'string') throw badParameter('Metadata values must be strings', 'metadata');
      if (item.length > METADATA_VALUE_LENGTH) {
        throw badParameter(
          `Metadata values can have up to ${METADATA_VALUE_LENGTH} characters, but you passed in a value that is ${item.length} characters.`,
          `metadata[${key}]`,
        );
      }
    }
    return Object.fromEntries(entries.filter(([, item]) => item !== '')) as Record<string, string>;
  }

  #named(name: string): string {
    return this.#prefix === '' ? name : `${this.#prefix}[${name}]`;
  }

  #required(name: string) {
    return badParameter(`Missing required param: ${this.#named(name)}.`, this.#named(name), 'parameter_missing');
  }
}
