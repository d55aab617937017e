import { type Request, type Response, raw } from 'express';

/** The body of a request, byte for byte: what a signature was made of. @throws what body-parser does */
export async function readRawBody(req: Request, res: Response, limitBytes: number): Promise<Buffer> {
  const parse = raw({ limit: limitBytes, type: () => true });
  await new Promise<void>((resolve, reject) =>
    parse(req, res, (error?: unknown) => (error ? reject(error) : resolve())),
  );
  return Buffer.isBuffer(req.body) ? req.body : Buffer.alloc(0);
}
