import { contractOf, jobTypes, mapPaths } from '@queue-service/contracts';
import { createLogger } from '@queue-service/observability';
import { expect, it } from 'vitest';
import { personalPaths } from './service.ts';

it.each(jobTypes)('logs nothing personal of a payload of %s', (type) => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ service: 'test', level: 'info', redactPaths: personalPaths(), destination });
  const { example, personalData } = contractOf(type);
  log.info({ data: example.payload }, 'taken');
  log.child({ payload: example.payload }).info('taken');
  const personal: unknown[] = [];
  mapPaths(example.payload, personalData, (part) => personal.push(part));
  const texts = personal.flatMap(leaves).filter((value) => value.length > 3);
  for (const value of texts) expect(lines.join('')).not.toContain(value);
  if (texts.length > 0) expect(lines.join('')).toContain('[redacted]');
});

function leaves(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [];
}
