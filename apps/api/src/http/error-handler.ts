import type { ErrorRequestHandler, Request, Response } from 'express';
import { type Problem, problemBody } from './problem.ts';
import { problemOf } from './problem-of.ts';
import { pathOf, requestIdOf } from './request-log.ts';

/** Answers what was thrown as problem details. Our own failures are left on the response for its log line. */
export function errorHandler(): ErrorRequestHandler {
  return (error: unknown, req, res, _next) => {
    const problem = problemOf(error);
    if (problem.status >= 500) res.err = causeOf(problem);
    if (res.headersSent) {
      // Half an answer must not look like a whole one.
      req.log.error({ err: causeOf(problem) }, 'An answer broke off');
      res.destroy();
      return;
    }
    sendProblem(req, res, problem);
  };
}

function sendProblem(req: Request, res: Response, problem: Problem): void {
  // Without reading on, the rest of a refused body would be taken for the next request of the connection.
  if (!req.complete) res.set('Connection', 'close');
  res
    .status(problem.status)
    .set(problem.headers)
    .type('application/problem+json')
    .send(JSON.stringify(problemBody(problem, { instance: pathOf(req), requestId: requestIdOf(req) })));
}

function causeOf(problem: Problem): Error {
  return problem.cause instanceof Error ? problem.cause : problem;
}
