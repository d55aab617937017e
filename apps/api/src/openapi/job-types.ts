import { contractOf, createJobSchema, jobSchema, jobTypes } from '@queue-service/contracts';
import type { MediaType } from './document.ts';
import { type JsonSchema, pascalCase, type SchemaBook } from './schemas.ts';

/** The components, where a job and a posted job say what belongs to each type: its payload and its result. */
export function withJobTypes(book: SchemaBook): Record<string, JsonSchema> {
  // Referred to first, so that all of them are among the components.
  const types = jobTypes.map((type) => ({
    type,
    contract: contractOf(type),
    payload: book.of(contractOf(type).payload, 'input'),
    result: book.of(contractOf(type).result, 'output'),
  }));
  book.of(createJobSchema, 'input');
  book.of(jobSchema, 'output');
  const components = book.components();
  const when = (type: string, properties: JsonSchema) => ({
    if: { properties: { type: { const: type } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: { properties },
  });
  return {
    ...components,
    CreateJob: {
      ...components['CreateJob'],
      allOf: types.map(({ type, contract, payload }) =>
        when(type, { queue: { const: contract.queue }, data: payload }),
      ),
    },
    Job: {
      ...components['Job'],
      allOf: types.map(({ type, result }) => when(type, { result: { anyOf: [result, { type: 'null' }] } })),
    },
  };
}

/** A body for each job type, for the routes that take jobs. */
export function examplesOf(method: string, path: string): Pick<MediaType, 'examples'> {
  if (method !== 'post' || (path !== '/jobs' && path !== '/jobs/batch')) return {};
  const bodies = jobTypes.map((type) => {
    const { queue, example, summary } = contractOf(type);
    return { name: pascalCase(type), summary, body: { queue, type, data: example.payload } };
  });
  if (path === '/jobs/batch')
    return { examples: { batch: { value: { jobs: bodies.slice(0, 2).map(({ body }) => body) } } } };
  return { examples: Object.fromEntries(bodies.map(({ name, summary, body }) => [name, { summary, value: body }])) };
}
