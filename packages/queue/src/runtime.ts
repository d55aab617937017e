import { type QueueName, queueNames } from '@queue-service/contracts';
import type { Logger, Metrics, Secret } from '@queue-service/observability';
import { createSealer, type Database, openDatabase, type Sealer, type SealingKey } from '@queue-service/persistence';
import { type CancelJob, createCancelJob } from './cancel/cancel-job.ts';
import type { RedisConfig } from './config.ts';
import { createDispatcher, type Dispatcher } from './dispatch.ts';
import { createEndRecorder, type EndRecorder } from './ends.ts';
import { createPublishJobEvent, type PublishJobEvent } from './events/publish.ts';
import { createTagSoon } from './fairness/tag-soon.ts';
import { type CancelFlow, createCancelFlow } from './flows/cancel-flow.ts';
import { createStepDispatcher, type StepDispatcher } from './flows/dispatch-steps.ts';
import { createFlowEngine, type FlowEngine } from './flows/flow-engine.ts';
import { createRetryFlow, type RetryFlow } from './flows/retry-flow.ts';
import { createFollowUp } from './follow-up.ts';
import { createHistoryWriter, type HistoryWriter } from './history-writer.ts';
import { createJobReader, type JobReader } from './job-reader.ts';
import type { Producer } from './new-job.ts';
import { counted } from './producer/counted.ts';
import { createProducer } from './producer/producer.ts';
import { type Connections, openConnections } from './redis/connections.ts';
import { createRedriveJob, type RedriveJob } from './redrive.ts';

export interface RuntimeConfig extends RedisConfig {
  DATABASE_URL: Secret;
  DATABASE_POOL_SIZE: number;
  PAYLOAD_ENCRYPTION_KEYS: SealingKey[];
}

/** What every process of the service is built on. */
export interface Runtime {
  readonly db: Database;
  readonly sealer: Sealer;
  readonly connections: Connections;
  readonly dispatch: Dispatcher;
  readonly dispatchSteps: StepDispatcher;
  readonly flows: FlowEngine;
  readonly ends: EndRecorder;
  readonly history: HistoryWriter;
  readonly reader: JobReader;
  readonly producer: Producer;
  readonly cancelJob: CancelJob;
  readonly redriveJob: RedriveJob;
  readonly cancelFlow: CancelFlow;
  readonly retryFlow: RetryFlow;
  /** Tells of a job on its event stream. */
  readonly publish: PublishJobEvent;
  readonly now: () => Date;
  close(): Promise<void>;
}

/** Opens nothing that waits: a database or Redis that is away shows at the first use, and in the readiness. */
export function openRuntime(options: {
  config: RuntimeConfig;
  applicationName: string;
  log: Logger;
  /** Where what is taken in is counted. */
  metrics?: Metrics;
  now?: () => Date;
  queues?: readonly QueueName[];
}): Runtime {
  const { config, log } = options;
  const now = options.now ?? (() => new Date());
  const db = openDatabase({
    url: config.DATABASE_URL.reveal(),
    poolSize: config.DATABASE_POOL_SIZE,
    applicationName: options.applicationName,
    onError: (error) => log.warn({ err: error }, 'A connection to PostgreSQL was lost'),
  });
  if (config.PAYLOAD_ENCRYPTION_KEYS.length === 0) {
    log.warn('PAYLOAD_ENCRYPTION_KEYS is not set: personal data in payloads is stored unencrypted');
  }
  const sealer = createSealer(config.PAYLOAD_ENCRYPTION_KEYS);
  const connections = openConnections(config, options.queues ?? queueNames, log);
  const tagSoon = createTagSoon(connections, now);
  const dispatch = createDispatcher(connections, tagSoon);
  const dispatchSteps = createStepDispatcher(connections, tagSoon);
  const flows = createFlowEngine({ db, sealer, connections, now });
  // A cancelled job is an end, and an end may cancel jobs.
  const cancelJob: CancelJob = (...which) => cancel(...which);
  const followUp = createFollowUp({ db, dispatch, dispatchSteps, cancelJob, log, now });
  const ends = createEndRecorder(db, flows, followUp, now);
  const history = createHistoryWriter(db, followUp, log, now);
  const reader = createJobReader(db, connections);
  const plain = createProducer({ db, log, connections, dispatch, sealer, history, reader, now });
  const producer = options.metrics === undefined ? plain : counted(plain, options.metrics);
  const publish = createPublishJobEvent(connections);
  const cancelQuietly = createCancelJob({ db, ends, connections, dispatch, reader, now });
  const cancel: CancelJob = async (...which) => {
    const done = await cancelQuietly(...which);
    if (done.outcome === 'cancelled') void publish(done.job.queue, done.job.id, { event: 'ended' });
    return done;
  };
  const cancelFlow = createCancelFlow({ db, sealer, flows, ends, now });
  const retryFlow = createRetryFlow({ db, sealer, connections, dispatchSteps, flows, ends, now });
  const redriveJob = createRedriveJob({ db, connections, dispatch, retryFlow, log, now });
  return {
    db,
    publish,
    sealer,
    connections,
    dispatch,
    dispatchSteps,
    flows,
    ends,
    history,
    reader,
    producer,
    cancelJob,
    redriveJob,
    cancelFlow,
    retryFlow,
    now,
    close: async () => {
      await history.close();
      await connections.close();
      await db.close();
    },
  };
}
