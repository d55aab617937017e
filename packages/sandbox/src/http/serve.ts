import { setTimeout as pause } from 'node:timers/promises';
import type { Request, RequestHandler, Response } from 'express';
import type { FaultAction, Faults } from './faults.ts';
import { type ProviderRequest, type Reply, toProviderRequest } from './request.ts';

/** What the request pipeline needs to know of a provider. */
export interface Served {
  readonly faults: Faults;
  /** An error as the provider itself would word it, for faults that bring no body of their own. */
  errorReply(status: number): Reply;
  /** Runs around the work, inside the faults that lose the answer: authentication, idempotency. */
  around?(request: ProviderRequest, work: () => Promise<Reply>): Promise<Reply>;
  /** Called when a request is through, to save state. */
  changed?(): void;
}

export type Work = (request: ProviderRequest) => Reply | Promise<Reply>;

/** Turns a simulator's function into an Express handler with faults around it. */
export function serve(provider: Served, work: Work): RequestHandler {
  return async (req, res, next) => {
    try {
      const request = await toProviderRequest(req);
      const fault = provider.faults.take(request);
      if (fault?.kind === 'hang') return;
      if (fault?.kind === 'reset') return reset(req);
      if (fault?.kind === 'status') return send(res, faultReply(provider, fault));

      const run = () => runWork(provider, fault, request, work);
      const reply = await (provider.around ? provider.around(request, run) : run());
      provider.changed?.();

      if (fault?.kind === 'hang-after-work') return;
      if (fault?.kind === 'reset-after-work') return reset(req);
      send(res, reply);
    } catch (error) {
      next(error);
    }
  };
}

async function runWork(
  provider: Served,
  fault: FaultAction | undefined,
  request: ProviderRequest,
  work: Work,
): Promise<Reply> {
  if (fault?.kind === 'delay') await pause(fault.ms);
  if (fault?.kind === 'hold') await provider.faults.wait(fault.gate);
  if (fault?.kind === 'error-instead-of-work') return faultReply(provider, fault);
  const reply = await work(request);
  return fault?.kind === 'error-after-work' ? faultReply(provider, fault) : reply;
}

function faultReply(
  provider: Served,
  fault: { status: number; body?: unknown; headers?: Record<string, string> },
): Reply {
  const worded = provider.errorReply(fault.status);
  return {
    status: fault.status,
    headers: { ...worded.headers, ...fault.headers },
    body: fault.body === undefined ? worded.body : fault.body,
  };
}

function reset(req: Request): void {
  req.socket.resetAndDestroy();
}

export function send(res: Response, reply: Reply): void {
  if (res.destroyed || res.headersSent) return;
  res.status(reply.status);
  for (const [name, value] of Object.entries(reply.headers ?? {})) res.setHeader(name, value);
  if (reply.body === undefined) res.end();
  else if (typeof reply.body === 'string' || Buffer.isBuffer(reply.body)) res.send(reply.body);
  else res.json(reply.body);
}
