import type { Router } from 'express';
import { header, type ProviderRequest, type Reply } from '../http/request.ts';
import { type Served, serve } from '../http/serve.ts';
import { bookOf } from './accounts.ts';
import { CONNECT_ENDPOINTS } from './connect-endpoints.ts';
import type { Endpoint } from './endpoint.ts';
import { StripeFailure, unauthorized } from './errors.ts';
import type { IdempotencyKeys, KeyedRequest } from './idempotency.ts';
import { canonical, type Form, Params, parseForm } from './params.ts';
import { PAYMENT_ENDPOINTS } from './payment-endpoints.ts';
import { render } from './render.ts';
import type { World } from './world.ts';

/** The API version whose shapes are answered; the one of the installed SDK. */
export const API_VERSION = '2026-10-28.endive';

/** The request that is being executed, for the events it causes. */
export interface CurrentRequest {
  id: string;
  key: string | null;
}

export interface ApiParts {
  world: World;
  keys: IdempotencyKeys;
  /** The `Request-Id` of the requests under way. */
  requestIds: WeakMap<ProviderRequest, string>;
  /** When set, the only secret key that is let in; otherwise every `sk_test_`/`rk_test_` key. */
  apiKey: string | undefined;
  /** Called around the execution of an endpoint. */
  executing(request: CurrentRequest | null): void;
}

/** Adds Stripe's routes. `served` is completed with Stripe's authentication and idempotency. */
export function mountApi(router: Router, served: Served, parts: ApiParts): void {
  const guarded: Served = { ...served, around: (request, work) => guard(parts, request, work) };
  for (const endpoint of [...PAYMENT_ENDPOINTS, ...CONNECT_ENDPOINTS]) {
    router[endpoint.method](
      endpoint.path,
      serve(guarded, (request) => execute(parts, endpoint, request)),
    );
  }
  router.all(
    /^\/v1\//,
    serve(guarded, (request) => unknownUrl(request)),
  );
}

/** Authentication, then the idempotency layer around the endpoint. */
async function guard(parts: ApiParts, request: ProviderRequest, work: () => Promise<Reply>): Promise<Reply> {
  const headers: Record<string, string> = { 'Request-Id': requestId(parts, request), 'Stripe-Version': API_VERSION };
  const account = header(request, 'stripe-account');
  if (account !== undefined) headers['Stripe-Account'] = account;
  try {
    const key = authenticate(request, parts.apiKey);
    const book = bookOf(parts.world, account, mask(key));
    const keyed = keyedRequest(request, book.account);
    if (!keyed) return withHeaders(await work(), headers);
    headers['Idempotency-Key'] = keyed.key;
    return await once(parts, keyed, work, headers);
  } catch (error) {
    if (error instanceof StripeFailure) return withHeaders(error.reply(), headers);
    throw error;
  }
}

async function once(
  parts: ApiParts,
  keyed: KeyedRequest,
  work: () => Promise<Reply>,
  headers: Record<string, string>,
): Promise<Reply> {
  const saved = parts.keys.begin(keyed);
  if (saved) {
    return {
      status: saved.status,
      headers: {
        ...headers,
        'Idempotent-Replayed': 'true',
        'Original-Request': saved.requestId,
        ...shouldRetry(saved.status),
      },
      body: saved.body,
    };
  }
  const own = headers['Request-Id'] as string;
  try {
    const reply = await work();
    if (reply.keep !== false) parts.keys.save(keyed, { status: reply.status, body: reply.body, requestId: own });
    return withHeaders(reply, { ...headers, 'Original-Request': own });
  } finally {
    parts.keys.end(keyed);
  }
}

function execute(parts: ApiParts, endpoint: Endpoint, request: ProviderRequest): Reply {
  const { world } = parts;
  try {
    const book = bookOf(world, header(request, 'stripe-account'), '');
    const params = new Params(formOf(request), endpoint.params);
    parts.executing({ id: requestId(parts, request), key: header(request, 'idempotency-key') ?? null });
    const result = endpoint.run({ world, book, params, id: request.params['id'] ?? '', path: request.path });
    return { status: 200, body: render(world, book, result, params.texts('expand')) };
  } catch (error) {
    if (error instanceof StripeFailure) return error.reply();
    throw error;
  } finally {
    parts.executing(null);
  }
}

function formOf(request: ProviderRequest): Form {
  return parseForm(request.method === 'GET' ? request.query.toString() : request.body.toString('utf8'));
}

function keyedRequest(request: ProviderRequest, account: string): KeyedRequest | undefined {
  const key = header(request, 'idempotency-key');
  if (request.method !== 'POST' || key === undefined || key === '') return undefined;
  return { account, key, path: request.path, params: canonical(formOf(request)) };
}

function requestId({ world, requestIds }: ApiParts, request: ProviderRequest): string {
  const id = requestIds.get(request) ?? `req_${world.ids.token(14)}`;
  requestIds.set(request, id);
  return id;
}

function authenticate(request: ProviderRequest, apiKey: string | undefined): string {
  const authorization = header(request, 'authorization') ?? '';
  const [, scheme, credentials = ''] = /^(Bearer|Basic)\s+(\S+)$/i.exec(authorization) ?? [];
  if (scheme === undefined) {
    throw unauthorized(
      "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or we can help at https://support.stripe.com/.",
    );
  }
  const key =
    scheme.toLowerCase() === 'basic'
      ? (Buffer.from(credentials, 'base64').toString('utf8').split(':')[0] ?? '')
      : credentials;
  const known = apiKey === undefined ? /^(sk|rk)_test_\w+$/.test(key) : key === apiKey;
  if (!known) throw unauthorized(`Invalid API Key provided: ${mask(key)}`);
  return key;
}

function mask(key: string): string {
  return key.length <= 12 ? '*'.repeat(key.length) : `${key.slice(0, 8)}${'*'.repeat(key.length - 12)}${key.slice(-4)}`;
}

function shouldRetry(status: number): Record<string, string> {
  // Repeating a saved 500 only gets it again.
  return status === 500 ? { 'Stripe-Should-Retry': 'false' } : {};
}

function withHeaders(reply: Reply, headers: Record<string, string>): Reply {
  return { ...reply, headers: { ...headers, ...reply.headers } };
}

function unknownUrl(request: ProviderRequest): Reply {
  return new StripeFailure(
    404,
    {
      type: 'invalid_request_error',
      message: `Unrecognized request URL (${request.method}: ${request.path}). Please see https://stripe.com/docs or we can help at https://support.stripe.com/.`,
    },
    { saved: false },
  ).reply();
}
