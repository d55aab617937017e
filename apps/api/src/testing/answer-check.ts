import type { RequestListener, ServerResponse } from 'node:http';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { Express } from 'express';
import type { Route } from '../http/route.ts';
import { type OpenApiDocument, openApiDocument, templateOf } from '../openapi/document.ts';

export interface SeenAnswer {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  /** Without parameters; empty for none. */
  readonly mediaType: string;
  readonly body: string;
}

/** What the document does not allow in an answer, or undefined. */
export type AnswerCheck = (answer: SeenAnswer) => string | undefined;

export const DOCUMENT = 'https://queue-service.example/openapi.json';

/** The schemas of a document, to be asked for by {@link DOCUMENT} and their pointer. */
export function schemasOf(document: OpenApiDocument): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addFormat('base64', true);
  return ajv.addSchema(document, DOCUMENT);
}

export function createAnswerCheck(document: OpenApiDocument, routes: readonly Route[]): AnswerCheck {
  const ajv = schemasOf(document);
  // As Express matches: in the order of the table, methods apart, so `/jobs/batch` is no id.
  const patterns = routes.map((route) => ({
    route,
    pattern: new RegExp(`^${route.fullPath.replaceAll(/:\w+/g, '[^/]+')}/?$`, 'i'),
  }));

  return ({ method, path, status, mediaType, body }) => {
    const asked = method === 'HEAD' ? 'GET' : method;
    const here = patterns.filter(({ pattern }) => pattern.test(path));
    const route = here.find((candidate) => candidate.route.method === asked.toLowerCase())?.route;
    if (route === undefined) {
      if (here.length > 0) return method === 'OPTIONS' && status === 204 ? undefined : unless(status, 405);
      return unless(status, 404);
    }
    const response = document.paths[templateOf(route)]?.[route.method]?.responses[status];
    if (response === undefined) return `the status ${status} is not documented`;
    if (method === 'HEAD') return undefined;
    if (response.content === undefined) return body === '' ? undefined : 'has a body where none is documented';
    if (response.content[mediaType] === undefined) return `the media type ${mediaType || '(none)'} is not documented`;
    if (!mediaType.endsWith('json')) return undefined;
    const place = [
      'paths',
      templateOf(route),
      route.method,
      'responses',
      String(status),
      'content',
      mediaType,
      'schema',
    ];
    const validate = ajv.getSchema(`${DOCUMENT}#/${place.map(pointer).join('/')}`);
    if (validate === undefined) return 'the document has no schema for it';
    if (validate(JSON.parse(body)) === true) return undefined;
    return ajv.errorsText(validate.errors, { dataVar: 'body' });
  };
}

function unless(status: number, wanted: number): string | undefined {
  return status === wanted ? undefined : `no route answers it, and its status is not ${wanted}`;
}

function pointer(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'));
}

/** By the routes: many tests make an app of their own, and a document takes longer to make than an app. */
const checks = new Map<string, AnswerCheck>();

/** The app, where an answer that its document does not allow fails the run: it is thrown where nobody catches it. */
export function checked(app: Express, routes: readonly Route[]): Express {
  const name = routes.map(({ method, fullPath }) => `${method} ${fullPath}`).join();
  const check = checks.get(name) ?? createAnswerCheck(openApiDocument(routes, 'test'), routes);
  checks.set(name, check);
  const listener: RequestListener = (req, res) => {
    const seen = bodyOf(res);
    const method = req.method ?? '';
    const path = (req.url ?? '').split('?', 1)[0] ?? '';
    res.once('finish', () => {
      const mediaType = String(res.getHeader('content-type') ?? '').split(';', 1)[0] ?? '';
      // Pages for people, not part of the API table.
      if (path === '/admin' || path.startsWith('/admin/')) return;
      const problem = check({ method, path, status: res.statusCode, mediaType, body: seen() });
      if (problem === undefined) return;
      const error = new Error(`${method} ${path} answered ${res.statusCode}: ${problem}\n${seen().slice(0, 2_000)}`);
      queueMicrotask(() => {
        throw error;
      });
    });
    app(req, res);
  };
  return Object.assign(listener, { parts: app }) as unknown as Express;
}

/** Keeps what is written, as text. */
function bodyOf(res: ServerResponse): () => string {
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk as string));
  };
  const { write, end } = res;
  res.write = ((chunk: unknown, ...rest: unknown[]) => {
    keep(chunk);
    return Reflect.apply(write, res, [chunk, ...rest]);
  }) as typeof res.write;
  res.end = ((chunk?: unknown, ...rest: unknown[]) => {
    keep(chunk);
    return Reflect.apply(end, res, [chunk, ...rest]);
  }) as typeof res.end;
  return () => Buffer.concat(chunks).toString();
}
