import { CIRCUIT_STATES } from '@queue-service/observability';
import { runFleet } from '@queue-service/queue';
import { openReportStorage } from '@queue-service/report-storage';
import { readConfig } from './config.ts';
import { createBackgroundHandlers } from './handlers.ts';
import { openSegment } from './segment/segment.ts';

const config = readConfig(process.env);

await runFleet({
  name: 'worker-background',
  queue: 'background',
  config,
  process,
  handlers: ({ runtime, shutdown, metrics }) => {
    const segment = openSegment({
      writeKey: config.SEGMENT_WRITE_KEY.reveal(),
      host: config.SEGMENT_HOST,
      maxBatch: config.WORKER_CONCURRENCY,
      onCircuit: (state) => metrics.circuitState.set({ provider: 'segment' }, CIRCUIT_STATES[state]),
    });
    // Registered before the worker, so closed after it: what its last jobs handed over is still sent.
    shutdown.register('segment', () => segment.close(config.SHUTDOWN_GRACE_MS * 0.1));
    const storage = config.REPORT_STORAGE_URL === undefined ? null : openReportStorage(config.REPORT_STORAGE_URL);
    if (storage !== null) shutdown.register('report storage', () => storage.close());
    return createBackgroundHandlers({ runtime, segment, storage, publicUrl: config.PUBLIC_URL ?? null });
  },
});
