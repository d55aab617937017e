import type { FieldProblem } from '@queue-service/contracts';
import { json, type Request, type Response } from 'express';
import { hostileParts, type StructureLimits } from './hostile-input.ts';
import { Problem } from './problem.ts';

/** A body as it arrived. */
export interface JsonBody {
  readonly value: unknown;
  /** Size as sent, after decompression. */
  readonly bytes: number;
}

export interface BodyLimits extends StructureLimits {
  readonly bytes: number;
}

const MEDIA_TYPES = ['application/json', 'application/*+json'];

/**
 * Reads and parses the body of a request.
 * @throws Problem `unsupported_media_type`, `body_too_large`, `malformed_json`, `validation_failed` for hostile parts or no body
 */
export async function readJsonBody(req: Request, res: Response, limits: BodyLimits): Promise<JsonBody> {
  const type = req.is(MEDIA_TYPES);
  // A `Content-Length: 0` counts as a body there, of whatever type.
  if (type === null || req.get('Content-Length') === '0') throw noBody();
  if (type === false) throw new Problem('unsupported_media_type');
  let bytes = 0;
  const parse = json({
    limit: limits.bytes,
    type: MEDIA_TYPES,
    // An object or list is asked for by the schemas, with a better message.
    strict: false,
    verify: (_req, _res, buffer) => {
      bytes = buffer.length;
    },
  });
  await new Promise<void>((resolve, reject) =>
    parse(req, res, (error?: unknown) => (error ? reject(error) : resolve())),
  );
  if (bytes === 0) throw noBody();
  const value: unknown = req.body;
  const problems = hostileParts(value, limits);
  if (problems.length > 0) throw invalid(problems);
  return { value, bytes };
}

function noBody(): Problem {
  return invalid([{ path: '', message: 'a JSON body is required', code: 'invalid_type' }]);
}

function invalid(errors: readonly FieldProblem[]): Problem {
  return new Problem('validation_failed', { errors });
}
