import { z } from 'zod';
import { type Route, route } from '../http/route.ts';
import { type OpenApiDocument, openApiDocument } from '../openapi/document.ts';
import { DOCS_POLICY, docsPage } from '../openapi/page.ts';

/** The documentation of these routes and of its own two. @param version of this build */
export function openApiRoutes(documented: readonly Route[], version: string): Route[] {
  let made: { document: OpenApiDocument; page: string } | undefined;
  const make = () => {
    const document = openApiDocument([...documented, ...routes], version);
    made = { document, page: docsPage(document) };
    return made;
  };
  const routes = [
    route({
      method: 'get',
      path: '/openapi.json',
      access: 'public',
      summary: 'This interface as an OpenAPI 3.1 document',
      answers: { 200: z.looseObject({ openapi: z.string() }) },
      handler: () => ({ status: 200, body: { ...(made ?? make()).document } }),
    }),
    route({
      method: 'get',
      path: '/docs',
      access: 'public',
      summary: 'The document as a page to read, without anything from elsewhere',
      answers: { 200: { mediaType: 'text/html' } },
      handler: () => ({
        status: 200,
        body: (made ?? make()).page,
        headers: { 'Content-Security-Policy': DOCS_POLICY },
      }),
    }),
  ];
  return routes;
}
