import { register } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { createMetrics } from './create-metrics.ts';
import { CIRCUIT_STATES } from './provider-metrics.ts';

/** Samples of the own metrics as `name{labels} value`, without the label of the process. */
async function samples(metrics: ReturnType<typeof createMetrics>) {
  const text = await metrics.text();
  return text
    .split('\n')
    .filter((line) => line.startsWith('queue_service_'))
    .map((line) => line.replace(/(?<=\{)app="[^"]*",|,app="[^"]*"(?=\})/, ''));
}

describe('a process', () => {
  test('has its own registry and leaves the global one alone', async () => {
    const one = createMetrics({ service: 'api' });
    const two = createMetrics({ service: 'api' });
    one.enqueued.inc({ queue: 'money', type: 'nft-mint' });
    expect(await samples(one)).toContain('queue_service_jobs_enqueued_total{queue="money",type="nft-mint"} 1');
    expect(await samples(two)).not.toContain('queue_service_jobs_enqueued_total{queue="money",type="nft-mint"} 1');
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  test('names itself on every series', async () => {
    const metrics = createMetrics({ service: 'worker-money' });
    metrics.stalled.inc({ queue: 'money' });
    expect(await metrics.text()).toContain('queue_service_jobs_stalled_total{queue="money",app="worker-money"} 1');
  });

  test('shows the lag of its event loop', async () => {
    expect(await createMetrics({ service: 'api' }).text()).toMatch(/^nodejs_eventloop_lag_p99_seconds\{/m);
  });
});

describe('names', () => {
  const metrics = createMetrics({ service: 'api' });
  const own = metrics.registry.getMetricsAsArray().filter(({ name }) => name.startsWith('queue_service_'));
  const typeOf = (metric: object) => metric.constructor.name;

  test('are those of everything the service counts', () => {
    expect(own.map(({ name }) => name.replace('queue_service_', '')).sort()).toEqual([
      'alerts_total',
      'cache_requests_total',
      'circuit_state',
      'dead_letters_total',
      'effects_total',
      'event_loop_blocked_seconds',
      'http_request_duration_seconds',
      'http_requests_shed_total',
      'incidents_open',
      'job_attempts_total',
      'job_enqueue_errors_total',
      'job_enqueue_to_start_seconds',
      'job_failures_total',
      'job_leases_lost_total',
      'job_processing_seconds',
      'job_retries_total',
      'jobs_enqueued_total',
      'jobs_stalled_total',
      'leader',
      'mint_authority_lamports',
      'provider_rate_limit_wait_seconds',
      'provider_request_seconds',
      'queue_canary_wait_seconds',
      'queue_depth',
      'queue_oldest_waiting_age_seconds',
      'queue_paused',
      'rate_limit_decisions_total',
      'relay_lag_seconds',
      'relayed_jobs_total',
      'schedule_fires_total',
      'schedule_missed_total',
      'webhook_deliveries_total',
    ]);
  });

  test.each(own.map((metric) => [metric.name, metric] as const))('%s follows the conventions', (name, metric) => {
    expect(name).toMatch(/^[a-z][a-z_]*$/);
    expect(metric.help).not.toBe('');
    expect(name.endsWith('_total')).toBe(typeOf(metric) === 'Counter');
    if (typeOf(metric) === 'Histogram') expect(name).toMatch(/_seconds$/);
  });
});

describe('a value', () => {
  test('of a duration is in seconds', async () => {
    const metrics = createMetrics({ service: 'worker-money' });
    const labels = { queue: 'money', type: 'nft-mint', outcome: 'completed' };
    metrics.jobProcessing.observe(labels, 0.2);
    const lines = await samples(metrics);
    const series = '{queue="money",type="nft-mint",outcome="completed"}';
    expect(lines).toContain(`queue_service_job_processing_seconds_sum${series} 0.2`);
    expect(lines).toContain(`queue_service_job_processing_seconds_count${series} 1`);
  });

  test('of a duration measured by the metric gets its labels when it ends', async () => {
    const metrics = createMetrics({ service: 'worker-money' });
    const end = metrics.providerRequest.start();
    const seconds = end({ provider: 'stripe', operation: 'create', outcome: 'ok' });
    expect(await samples(metrics)).toContain(
      `queue_service_provider_request_seconds_sum{provider="stripe",operation="create",outcome="ok"} ${seconds}`,
    );
  });

  test('of a duration is never negative, whatever the clock did', async () => {
    const metrics = createMetrics({ service: 'worker-money' });
    metrics.enqueueToStart.observe({ queue: 'money', type: 'nft-mint' }, -5);
    expect(await samples(metrics)).toContain(
      'queue_service_job_enqueue_to_start_seconds_sum{queue="money",type="nft-mint"} 0',
    );
  });

  test('of a state is replaced, and forgotten on reset', async () => {
    const metrics = createMetrics({ service: 'scheduler' });
    metrics.queueDepth.set({ queue: 'money', state: 'waiting' }, 7);
    metrics.queueDepth.set({ queue: 'money', state: 'waiting' }, 3);
    metrics.circuitState.set({ provider: 'stripe' }, CIRCUIT_STATES.open);
    expect(await samples(metrics)).toEqual(
      expect.arrayContaining([
        'queue_service_queue_depth{queue="money",state="waiting"} 3',
        'queue_service_circuit_state{provider="stripe"} 2',
      ]),
    );
    metrics.queueDepth.reset();
    expect((await samples(metrics)).filter((line) => line.startsWith('queue_service_queue_depth{'))).toEqual([]);
  });

  test('of a label outside its closed set is counted as other', async () => {
    const metrics = createMetrics({ service: 'api', known: { type: ['nft-mint'] } });
    metrics.enqueued.inc({ queue: 'money', type: 'made-up' }, 2);
    expect(await samples(metrics)).toContain('queue_service_jobs_enqueued_total{queue="money",type="other"} 2');
  });
});
