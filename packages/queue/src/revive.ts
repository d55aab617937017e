import type { QueueName } from '@queue-service/contracts';
import { type Envelope, envelopeIn } from './envelope.ts';
import { whileAvailable } from './redis/availability.ts';
import type { Connections } from './redis/connections.ts';

/** The job that is to start again runs, waits, or was started again already. */
export class JobNotEndedError extends Error {
  override readonly name = 'JobNotEndedError';

  constructor() {
    super('The job has not failed, or was started again already');
  }
}

/**
 * Takes an ended job out of Redis, so that its id is free, and answers what it carried: what the provider refused will be
 * asked for again, what was done will not be done again. Null when it is not there any more.
 * @throws JobNotEndedError, QueueUnavailableError
 */
export async function takeEndedJob(connections: Connections, name: QueueName, id: string): Promise<Envelope | null> {
  const { queue, redis } = connections.of(name);
  const old = await whileAvailable(redis, name, () => queue.getJob(id));
  if (old === undefined) return null;
  const state = await whileAvailable(redis, name, () => old.getState());
  if (state !== 'failed' && state !== 'completed') throw new JobNotEndedError();
  await whileAvailable(redis, name, () => old.remove());
  const envelope = envelopeIn(old);
  const effects = Object.entries(envelope.effects).filter(([, { status }]) => status !== 'rejected');
  return { ...envelope, effects: Object.fromEntries(effects) };
}
