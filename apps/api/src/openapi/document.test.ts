import { contractOf, jobTypes } from '@queue-service/contracts';
import { Validator } from '@seriousme/openapi-schema-validator';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { tableOf } from '../app.ts';
import { createAnswerCheck, DOCUMENT, schemasOf } from '../testing/answer-check.ts';
import { jobResource } from '../testing/in-memory-ports.ts';
import { type RealApp, realApp } from '../testing/real-app.ts';
import { type OpenApiDocument, openApiDocument } from './document.ts';

let real: RealApp;
let document: OpenApiDocument;
let schemas: ReturnType<typeof schemasOf>;

beforeAll(async () => {
  real = await realApp();
  document = (await request(real.app).get('/api/v1/queue/openapi.json')).body as OpenApiDocument;
  schemas = schemasOf(document);
});

afterAll(() => real.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, ...operation })),
  );

test('it is a valid OpenAPI 3.1 document', async () => {
  const validator = new Validator();
  const outcome = await validator.validate(structuredClone(document) as never);
  expect(outcome.errors ?? []).toEqual([]);
  expect(outcome.valid).toBe(true);
  expect(validator.version).toBe('3.1');
});

test('every operation has an id of its own and names its errors with examples', () => {
  const ids = operations().map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { name, responses, security } of operations()) {
    const refusals = Object.values(responses).flatMap(({ content }) =>
      Object.keys(content?.['application/problem+json']?.examples ?? {}),
    );
    expect(refusals, name).toContain('internal_error');
    if (security.length > 0) {
      expect(refusals, name).toEqual(expect.arrayContaining(['unauthorized', 'forbidden', 'rate_limited']));
    }
  }
});

test('every example fits the schema beside it', () => {
  // Most answers of problems share theirs.
  const compiled = new Map<string, ReturnType<typeof schemas.compile>>();
  const compile = (text: string) => {
    const known = compiled.get(text) ?? schemas.compile(JSON.parse(text));
    compiled.set(text, known);
    return known;
  };
  for (const { name, requestBody, responses } of operations()) {
    const contents = [requestBody?.content, ...Object.values(responses).map(({ content }) => content)];
    for (const { schema, examples = {} } of contents.flatMap((content) => Object.values(content ?? {}))) {
      if (schema === undefined || Object.keys(examples).length === 0) continue;
      const validate = compile(JSON.stringify(schema).replaceAll('"#/', `"${DOCUMENT}#/`));
      for (const { value } of Object.values(examples)) {
        validate(value);
        expect(validate.errors ?? [], name).toEqual([]);
      }
    }
  }
});

test.each(jobTypes)('the payload and the result of %s are described by its contract', (type) => {
  const job = schemas.getSchema(`${DOCUMENT}#/components/schemas/Job`);
  const posted = schemas.getSchema(`${DOCUMENT}#/components/schemas/CreateJob`);
  const { queue, example } = contractOf(type);
  const ended = jobResource({ type, queue, status: 'completed', result: example.result as Record<string, unknown> });
  expect(job?.(ended)).toBe(true);
  expect(job?.({ ...ended, result: { surplus: 1 } })).toBe(false);
  expect(posted?.({ queue, type, data: example.payload })).toBe(true);
  expect(posted?.({ queue, type, data: { surplus: 1 } })).toBe(false);
});

test('the page shows every operation and loads nothing', async () => {
  const { text, headers, status } = await request(real.app).get('/api/v1/queue/docs');
  expect(status).toBe(200);
  expect(headers['content-security-policy']).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; /);
  for (const { operationId } of operations()) expect(text).toContain(`id="${operationId}"`);
  expect(text).not.toMatch(/<(?:script|img|link|iframe)|@import|url\(|(?:src|href)="(?!#|openapi\.json)/);
});

describe('the check of answers', () => {
  const base = { method: 'GET', path: '/health/live', status: 200, mediaType: 'application/json' };
  const alive = { ...base, body: '{"status":"alive"}' };

  test('finds a status, a media type, a field and a code that are not documented', () => {
    const routes = tableOf(real.parts);
    const check = createAnswerCheck(openApiDocument(routes, 'x'), routes);
    expect(check(alive)).toBeUndefined();
    expect(check({ ...alive, status: 202 })).toMatch(/status 202/);
    expect(check({ ...alive, mediaType: 'text/html' })).toMatch(/media type/);
    expect(check({ ...alive, body: '{"status":"alive","more":1}' })).toMatch(/additional properties/);
    const gone = { type: 't', title: 't', status: 500, code: 'gone' };
    expect(check({ ...base, status: 500, mediaType: 'application/problem+json', body: JSON.stringify(gone) })).toMatch(
      /code/,
    );
    expect(check({ ...alive, path: '/nowhere' })).toMatch(/no route/);
  });
});
