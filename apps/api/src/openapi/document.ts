import { type ProblemCode, problemCodes, problemSchema } from '@queue-service/contracts';
import { z } from 'zod';
import { rolesOf } from '../auth/access.ts';
import { Problem, problemBody } from '../http/problem.ts';
import { type Answer, isStreamAnswer, isTextAnswer, type Route } from '../http/route.ts';
import { examplesOf, withJobTypes } from './job-types.ts';
import { problemsOf } from './problems.ts';
import { createSchemaBook, type JsonSchema, type SchemaBook } from './schemas.ts';

/** https://spec.openapis.org/oas/v3.1.1.html, as far as it is made here. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly servers: readonly { readonly url: string }[];
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, JsonSchema>; readonly [others: string]: unknown };
}

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly object[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: true; readonly content: Record<string, MediaType> };
  readonly responses: Record<string, { description: string; headers?: object; content?: Record<string, MediaType> }>;
}

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

export interface MediaType {
  readonly schema?: JsonSchema;
  readonly examples?: Record<string, { readonly summary?: string; readonly value: unknown }>;
}

const PROBLEM = 'application/problem+json';

/** The OpenAPI document of these routes. @param version of this build */
export function openApiDocument(routes: readonly Route[], version: string): OpenApiDocument {
  const book = createSchemaBook();
  const paths: Record<string, Record<string, Operation>> = {};
  for (const route of routes) {
    const path = templateOf(route);
    paths[path] = { ...paths[path], [route.method]: operationOf(route, book) };
  }
  const tags = [...new Set(routes.map(tagOf))].map((name) => ({ name }));
  return {
    openapi: '3.1.1',
    info: {
      title: 'queue-service',
      version,
      description:
        'Jobs for a ticketing platform: posted, kept safe, run, and told of. Errors are RFC 9457 problem details with a stable `code`.',
    },
    servers: [{ url: '/' }],
    tags,
    paths,
    components: {
      schemas: withJobTypes(book),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        metricsToken: { type: 'http', scheme: 'bearer', description: 'METRICS_TOKEN' },
      },
    },
  };
}

/** `/jobs/:id` as OpenAPI writes it. */
export function templateOf(route: Pick<Route, 'fullPath'>): string {
  return route.fullPath.replaceAll(/:(\w+)/g, '{$1}');
}

function tagOf(route: Route): string {
  return route.path.split('/')[1] || 'service';
}

function operationOf(route: Route, book: SchemaBook): Operation {
  const roles = rolesOf[route.access];
  const body = route.body;
  return {
    operationId: [route.method, ...(route.atRoot ? ['root'] : []), ...route.path.split('/')]
      .filter(Boolean)
      .map((part) => part.replaceAll(/\W+/g, '_'))
      .join('_'),
    summary: route.summary,
    description:
      roles === null
        ? 'Public.'
        : `For ${roles.join(', ')}${route.access === 'metrics' ? ', or the metrics token' : ''}.`,
    tags: [tagOf(route)],
    security: roles === null ? [] : [{ token: [] }, ...(route.access === 'metrics' ? [{ metricsToken: [] }] : [])],
    parameters: parametersOf(route, book),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: {
              'application/json': {
                schema: book.of(body.schema, 'input'),
                ...examplesOf(route.method, route.path),
              },
            },
          },
        }),
    responses: responsesOf(route, book),
  };
}

function parametersOf(route: Route, book: SchemaBook): Parameter[] {
  const tenant: Parameter = {
    name: 'X-Tenant-Id',
    in: 'header',
    required: false,
    description: 'The tenant an admin acts for',
    schema: { type: 'string' },
  };
  return [
    ...fieldsOf(route.params, 'path', book),
    ...fieldsOf(route.query, 'query', book),
    ...fieldsOf(route.headers, 'header', book),
    ...(route.access === 'public' ? [] : [tenant]),
  ];
}

function fieldsOf(schema: unknown, where: Parameter['in'], book: SchemaBook): Parameter[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape as Record<string, z.ZodType>).map(([name, field]) => {
    const { description, ...shown } = book.of(field, 'input');
    return {
      name,
      in: where,
      required: where === 'path' || !field.safeParse(undefined).success,
      ...(typeof description === 'string' ? { description } : {}),
      schema: shown,
    };
  });
}

const text = (description: string) => ({ description, schema: { type: 'string' } });
const everyHeader = { 'X-Request-Id': text('The id of this request in logs, jobs and problems') };
const limitHeaders = {
  'RateLimit-Policy': text('Quota (q) and window in seconds (w) of each limit'),
  RateLimit: text('What is left (r) of each limit, and seconds until it is whole again (t)'),
};

function responsesOf(route: Route, book: SchemaBook): Operation['responses'] {
  const headers = { ...everyHeader, ...(route.access === 'public' ? {} : limitHeaders) };
  const responses: Operation['responses'] = {};
  for (const [status, answer] of Object.entries(route.answers)) {
    responses[status] = { description: descriptionOf(Number(status)), headers, ...contentOf(answer, book) };
  }
  for (const [status, codes] of Map.groupBy(problemsOf(route), (code) => problemCodes[code].status)) {
    const known = responses[status];
    const patient = status === 429 || status === 503 ? { 'Retry-After': text('Seconds to wait') } : {};
    responses[status] = {
      description: codes.map((code) => problemCodes[code].title).join('; '),
      headers: { ...headers, ...patient },
      content: { ...known?.content, [PROBLEM]: problemContent(codes, book) },
    };
  }
  return responses;
}

function contentOf(answer: Answer, book: SchemaBook): { content?: Record<string, MediaType> } {
  if (answer === null) return {};
  if (isTextAnswer(answer)) return { content: { [answer.mediaType]: {} } };
  if (isStreamAnswer(answer)) {
    const types = [answer.mediaType, ...(answer.otherMediaTypes ?? [])];
    return { content: Object.fromEntries(types.map((type) => [type, {}])) };
  }
  return { content: { 'application/json': { schema: book.of(answer, 'output') } } };
}

function problemContent(codes: readonly ProblemCode[], book: SchemaBook): MediaType {
  return {
    schema: {
      allOf: [book.of(problemSchema, 'output'), { type: 'object', properties: { code: { enum: codes } } }],
    },
    examples: Object.fromEntries(codes.map((code) => [code, { value: problemBody(new Problem(code)) }])),
  };
}

function descriptionOf(status: number): string {
  return { 200: 'OK', 201: 'Created', 202: 'Accepted', 204: 'Done; nothing to say' }[status] ?? 'See the schema';
}
