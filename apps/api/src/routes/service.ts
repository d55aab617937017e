import { z } from 'zod';
import { BASE_PATH, type Route, route } from '../http/route.ts';

const serviceSchema = z.object({
  name: z.string(),
  version: z.string(),
  links: z.record(z.string(), z.string()).describe('Paths by what is there'),
});

/** What the service is and where its parts are. @param version of this build */
export function serviceRoutes({ version }: { readonly version: string }): Route[] {
  const links = Object.fromEntries(
    ['health', 'jobs', 'flows', 'openapi.json', 'docs'].map((name) => [name, `${BASE_PATH}/${name}`]),
  );
  return [
    route({
      method: 'get',
      path: '/',
      access: 'public',
      summary: 'Name, version, links',
      answers: { 200: serviceSchema },
      handler: () => ({ status: 200, body: { name: 'queue-service', version, links } }),
    }),
  ];
}
