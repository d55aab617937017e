import { createLogger, createMetrics } from '@queue-service/observability';
import { expect, it } from 'vitest';
import type { Claim } from '../tiers/tier.ts';
import type { Outcome } from './outcome.ts';
import { reportEnd } from './report.ts';

it('writes one line an attempt, found by its job, request and trace', () => {
  const lines: string[] = [];
  const log = createLogger({ service: 'test', level: 'info', destination: { write: (line) => lines.push(line) } });
  const parts = {
    queue: 'background' as const,
    metrics: createMetrics({ service: 'test' }),
    log,
    now: () => new Date(),
  };
  const claim = { jobId: 'j1', type: 'analytics-track', attempt: 2, requestId: 'r1', tenantId: 't1' };
  const attempt = { startedAt: '2026-01-01T00:00:00.000Z', endedAt: '2026-01-01T00:00:01.500Z' };
  const traceId = '0af7651916cd43dd8448eb211c80319c';
  for (const id of [traceId, null]) {
    reportEnd(parts, { ...claim, traceId: id } as Claim, { kind: 'completed' } as Outcome, attempt as never);
  }
  const [traced, untraced] = lines.map((line) => JSON.parse(line));
  expect(traced).toMatchObject({ ...claim, outcome: 'completed', durationMs: 1_500, trace_id: traceId });
  expect(untraced).not.toHaveProperty('trace_id');
});
