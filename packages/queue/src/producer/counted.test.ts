import { contractOf } from '@queue-service/contracts';
import { createMetrics } from '@queue-service/observability';
import { expect, it } from 'vitest';
import { DatabaseUnavailableError, type NewJob } from '../new-job.ts';
import { counted } from './counted.ts';

const job: NewJob = { type: 'nft-mint', tenantId: 't', data: contractOf('nft-mint').example.payload };

it('counts what was taken in anew, and what could not be stored', async () => {
  const metrics = createMetrics({ service: 'test', known: { queue: ['money'], type: ['nft-mint'] } });
  const answer = { job: {} } as never;
  const outcomes = ['created', 'replayed'].map((outcome) => ({ ...(answer as object), outcome }) as never);
  await counted({ accept: () => Promise.resolve(outcomes) }, metrics).accept([job, job]);
  const away = counted({ accept: () => Promise.reject(new DatabaseUnavailableError('away')) }, metrics);
  await expect(away.accept([job])).rejects.toThrow('away');
  const text = await metrics.text();
  expect(text).toContain('queue_service_jobs_enqueued_total{queue="money",type="nft-mint",app="test"} 1');
  expect(text).toContain(
    'queue_service_job_enqueue_errors_total{queue="money",type="nft-mint",code="database_unavailable",app="test"} 1',
  );
});
