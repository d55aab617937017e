import type { RequestHandler } from 'express';

/**
 * Refuses changes that another site's page sends. Browsers say where a request comes from: by `Sec-Fetch-Site`, and where
 * they do not send that (plain HTTP) by `Origin`. What says neither is no browser, and has no cookie that it did not mean
 * to send. https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site
 */
export const sameOriginOnly: RequestHandler = (req, res, next) => {
  if (
    req.method === 'GET' ||
    req.method === 'HEAD' ||
    fromHere(req.get('Sec-Fetch-Site'), req.get('Origin'), req.host)
  ) {
    next();
    return;
  }
  res.status(403).type('text/plain').send('Refused: this request comes from another site\n');
};

function fromHere(site: string | undefined, origin: string | undefined, host: string | undefined): boolean {
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  return origin === undefined || URL.parse(origin)?.host === host;
}
