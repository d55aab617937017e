import type { JobResource } from '#contracts';

/** A job that waits. */
export const pendingJob: JobResource = {
  id: '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f',
  queue: 'background',
  type: 'analytics-track',
  status: 'pending',
  priority: 5,
  attempts: 0,
  maxAttempts: 2,
  tenantId: 'venue-1',
  idempotencyKey: null,
  createdAt: '2026-01-01T00:00:00.000Z',
  startedAt: null,
  finishedAt: null,
  result: null,
  error: null,
  scheduledFor: null,
  flowId: null,
  delivery: null,
};
