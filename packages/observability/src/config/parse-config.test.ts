import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError } from './config-error.ts';
import { logConfig, opsConfig, shutdownConfig, tracingConfig } from './fragments.ts';
import { type ConfigRule, parseConfig, requireOneOf, requireTogether } from './parse-config.ts';
import * as variable from './variable.ts';

function problemsOf(schema: z.ZodType, env: Record<string, string | undefined>, rules: ConfigRule[] = []) {
  try {
    parseConfig(schema, env, rules);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('fragments', () => {
  const schema = z.object({ ...logConfig, ...opsConfig, ...shutdownConfig, ...tracingConfig });

  test('have defaults', () => {
    expect(parseConfig(schema, {})).toEqual({ LOG_LEVEL: 'info', OPS_PORT: 9464, SHUTDOWN_GRACE_MS: 30_000 });
  });

  test('give typed values', () => {
    const config = parseConfig(schema, { OPS_PORT: '0', LOG_LEVEL: 'debug', LOG_FILE: '/var/log/a.log' });
    const port: number = config.OPS_PORT;
    expect(port).toBe(0);
    expect(config).toMatchObject({ LOG_LEVEL: 'debug', LOG_FILE: '/var/log/a.log' });
  });

  test('treat an empty or blank value as unset, and trim the others', () => {
    const config = parseConfig(schema, { OPS_PORT: '', LOG_LEVEL: ' \n', LOG_FILE: ' x.log\n' });
    expect(config).toEqual({ LOG_LEVEL: 'info', OPS_PORT: 9464, LOG_FILE: 'x.log', SHUTDOWN_GRACE_MS: 30_000 });
  });
});

describe('problems', () => {
  const schema = z.object({
    ...opsConfig,
    DATABASE_URL: variable.secretUrl(['postgres', 'postgresql']),
    STRIPE_SECRET_KEY: variable.secret(),
    JWT_SECRET: variable.secret({ minBytes: 32 }).optional(),
    JWT_JWKS_URL: variable.url(['https']).optional(),
    STRICT: variable.boolean().default(true),
    COUNT: variable.integer({ min: 1, max: 5 }).default(1),
  });
  const rules = [requireOneOf('JWT_SECRET', 'JWT_JWKS_URL'), requireTogether('JWT_ISSUER', 'JWT_AUDIENCE')];

  test('are all listed at once, with name and reason, together with rules about several variables', () => {
    const error = problemsOf(
      schema,
      {
        OPS_PORT: '99999',
        DATABASE_URL: 'mysql://db',
        STRICT: 'perhaps',
        COUNT: '0x3',
        JWT_ISSUER: 'us',
      },
      rules,
    );
    expect(error.problems).toEqual([
      { variable: 'OPS_PORT', reason: 'must be at most 65535' },
      { variable: 'DATABASE_URL', reason: 'must be a URL with postgres:// or postgresql://' },
      { variable: 'STRIPE_SECRET_KEY', reason: 'is not set' },
      { variable: 'STRICT', reason: 'must be true or false' },
      { variable: 'COUNT', reason: 'must be a whole number' },
      { variable: 'JWT_SECRET, JWT_JWKS_URL', reason: 'at least one of these must be set' },
      { variable: 'JWT_AUDIENCE', reason: 'must be set as well, because JWT_ISSUER is' },
    ]);
    for (const { variable: name } of error.problems) expect(error.message).toContain(name);
  });

  test('never hold a value, even when a refinement quotes it', () => {
    const quoting = z.object({
      KEY: z.string().refine(() => false, { error: (issue) => `do not use "${String(issue.input)}" here` }),
      PLAIN: z.enum(['a', 'b']),
      NUMBER: variable.integer(),
      LINK: z.url(),
    });
    const values = { KEY: 'hunter2+', PLAIN: 'hunter3', NUMBER: 'hunter4', LINK: 'hunter5' };
    const error = problemsOf(quoting, values);
    const everything = `${error.message}\n${error.stack}\n${JSON.stringify(error)}\n${JSON.stringify(error.cause)}`;
    expect(everything).not.toContain('hunter');
    expect(error.problems).toContainEqual({ variable: 'KEY', reason: 'do not use "[value]" here' });
  });

  test('a rule about several variables stops the start on its own', () => {
    const env = { DATABASE_URL: 'postgres://db', STRIPE_SECRET_KEY: 'k' };
    expect(problemsOf(schema, env, rules).problems).toHaveLength(1);
    expect(parseConfig(schema, { ...env, JWT_JWKS_URL: 'https://id.example/keys' }, rules)).toMatchObject({ COUNT: 1 });
  });

  test('a secret is counted in bytes', () => {
    const env = { DATABASE_URL: 'postgres://db', STRIPE_SECRET_KEY: 'k', JWT_SECRET: 'é'.repeat(16) };
    expect(parseConfig(schema, env).JWT_SECRET?.reveal()).toBe('é'.repeat(16));
    expect(problemsOf(schema, { ...env, JWT_SECRET: 'short' }).problems).toEqual([
      { variable: 'JWT_SECRET', reason: 'must be at least 32 bytes long' },
    ]);
  });
});

describe('variables', () => {
  test.each([
    ['YES', true],
    ['1', true],
    ['off', false],
    ['False', false],
  ])('boolean %s is %s', (text, expected) => {
    expect(variable.boolean().parse(text)).toBe(expected);
  });

  test.each(['1.5', '1e3', '0x10', 'NaN', '--1'])('%s is not an integer', (text) => {
    expect(variable.integer().safeParse(text).success).toBe(false);
  });

  test('a URL needs one of the schemes', () => {
    expect(variable.url().parse('http://127.0.0.1:4010/v1')).toBe('http://127.0.0.1:4010/v1');
    expect(variable.url(['https']).safeParse('http://127.0.0.1').success).toBe(false);
    expect(variable.url().safeParse('127.0.0.1').success).toBe(false);
  });

  test('a URL with a password becomes a secret', () => {
    const parsed = variable.secretUrl(['redis', 'rediss']).parse('redis://:p@127.0.0.1');
    expect(`${parsed} ${parsed.reveal()}`).toBe('[secret] redis://:p@127.0.0.1');
  });
});
