import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger, Metrics } from '@queue-service/observability';
import pg from 'pg';

export interface LeaderOptions {
  /** Must lead to PostgreSQL itself: a pooler that shares sessions between clients breaks session locks. */
  databaseUrl: string;
  /** What is led, e.g. `scheduler`: one leader a key and database. */
  key: string;
  log: Logger;
  metrics?: Metrics;
  /** Ends it. */
  signal: AbortSignal;
  /** Does the leader's work until its signal aborts, and resolves when the work has stopped. */
  onLead(signal: AbortSignal): Promise<void>;
  timing?: Partial<LeaderTiming>;
}

/** All in milliseconds. `heartbeatMs + answerMs` must stay below `silenceMs`, `silenceMs + askMs` below the takeover. */
export interface LeaderTiming {
  /** How often those who do not lead ask for the lock. */
  askMs: number;
  /** How often the leader proves itself alive. */
  heartbeatMs: number;
  /** How long PostgreSQL may take to answer before the leader takes itself for cut off. */
  answerMs: number;
  /** How long PostgreSQL bears a silent leader before it ends its session and so frees the lock. */
  silenceMs: number;
}

export const leaderTiming: LeaderTiming = { askMs: 1_000, heartbeatMs: 2_000, answerMs: 3_000, silenceMs: 8_000 };

/**
 * Leads whenever nobody else does, by an advisory lock on a connection of its own. Runs until the signal aborts.
 *
 * A killed leader's lock is free as soon as its connection is gone. One that is frozen or cut off keeps its connection
 * open on the server's side; there `idle_session_timeout` ends a session that was silent for `silenceMs`, so another leads
 * within `silenceMs + askMs` (9 s). The cut-off leader itself stops before that: its work is aborted no later than
 * `heartbeatMs + answerMs` (5 s) after the last answer PostgreSQL gave it, 3 s before the server can free the lock.
 *
 * Not promised: a process that was frozen as a whole runs on for an instant after it wakes, before its timers fire.
 * What a leader decides must therefore be decided by PostgreSQL once, whoever asks; fires and snapshots are.
 */
export async function runAsLeader(options: LeaderOptions): Promise<void> {
  const timing = { ...leaderTiming, ...options.timing };
  const { signal, log, key } = options;
  options.metrics?.leader.set({ role: key }, 0);
  let away = false;
  while (!signal.aborted) {
    try {
      await withSession(options, timing, async (session) => {
        away = false;
        while (!signal.aborted && !session.lost.aborted) {
          if (await session.lock()) return lead(options, session);
          await rest(timing.askMs, AbortSignal.any([signal, session.lost]));
        }
      });
    } catch (error) {
      if (!away) log.warn({ err: error, role: key }, 'PostgreSQL cannot be asked who leads; trying again');
      away = true;
    }
    await rest(timing.askMs, signal);
  }
}

async function lead({ key, log, metrics, signal, onLead }: LeaderOptions, session: Session): Promise<void> {
  log.info({ role: key }, 'This process leads');
  metrics?.leader.set({ role: key }, 1);
  const ended = new AbortController();
  const stepDown = () => {
    metrics?.leader.set({ role: key }, 0);
    log.warn({ role: key }, 'This process leads no more: PostgreSQL did not answer in time');
  };
  session.lost.addEventListener('abort', stepDown, { signal: ended.signal });
  try {
    await onLead(AbortSignal.any([signal, session.lost]));
  } catch (error) {
    log.error({ err: error, role: key }, 'The work of the leader failed; it begins anew');
  } finally {
    ended.abort();
    metrics?.leader.set({ role: key }, 0);
  }
}

interface Session {
  lock(): Promise<boolean>;
  /** Aborts when PostgreSQL may take this session for dead soon. */
  lost: AbortSignal;
}

/** A connection that is proved alive by a heartbeat for as long as `work` takes; closing it frees the lock. */
async function withSession(options: LeaderOptions, timing: LeaderTiming, work: (session: Session) => Promise<void>) {
  const client = new pg.Client({
    connectionString: options.databaseUrl,
    application_name: `queue-service-leader-${options.key}`,
    keepAlive: true,
    connectionTimeoutMillis: timing.answerMs,
    query_timeout: timing.answerMs,
  });
  const lost = new AbortController();
  const done = new AbortController();
  const lose = (error: unknown) => lost.abort(error);
  client.on('error', lose);
  const ended = () => lose(new Error('the connection ended'));
  client.on('end', ended);
  try {
    await client.connect();
    await client.query(`SET idle_session_timeout = ${Math.round(timing.silenceMs)}`);
    const beating = beat(client, timing, done.signal).catch(lose);
    await work({
      lost: lost.signal,
      lock: async () => {
        const { rows } = await client.query<{ taken: boolean }>(
          'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS taken',
          [`queue-service:${options.key}`],
        );
        return rows[0]?.taken === true;
      },
    });
    done.abort();
    await beating;
  } finally {
    done.abort();
    client.off('end', ended);
    await hangUp(client, timing.answerMs);
  }
}

/** @throws when PostgreSQL does not answer in time */
async function beat(client: pg.Client, timing: LeaderTiming, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    await rest(timing.heartbeatMs, done);
    if (!done.aborted) await client.query('SELECT 1');
  }
}

/** Says goodbye if PostgreSQL listens, and closes the socket in any case. */
async function hangUp(client: pg.Client, withinMs: number): Promise<void> {
  const { stream } = (client as unknown as { connection: { stream: { destroy(): void } } }).connection;
  await Promise.race([client.end().catch(() => {}), sleep(withinMs, undefined, { ref: false })]);
  stream.destroy();
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {}); // Aborted: the caller looks.
}
