import { gunzipSync } from 'node:zlib';
import type { Router } from 'express';
import type { SandboxClock } from '../http/clock.ts';
import { type Effect, EffectLog } from '../http/effects.ts';
import { Faults } from '../http/faults.ts';
import type { Hosted } from '../http/host.ts';
import type { Control, InboxEntry } from '../http/provider.ts';
import { header, type ProviderRequest, type Reply } from '../http/request.ts';
import { serve } from '../http/serve.ts';

export interface SegmentOptions {
  /** The only write key let in; default any. */
  writeKey?: string;
}

/** One call of the tracking API, as it came. */
export interface SegmentEvent {
  [field: string]: unknown;
  messageId: string;
  type: string;
}

interface Stored {
  event: SegmentEvent;
  at: number;
}

/** https://segment.com/docs/connections/sources/catalog/libraries/server/http-api/#max-request-size */
const MAX_BATCH_BYTES = 500 * 1024;
const MAX_EVENT_BYTES = 32 * 1024;
const TYPES = ['identify', 'track', 'page', 'screen', 'group', 'alias'];
/** "Segment de-duplicates on messageId for at least 24 hours." */
const DEDUPLICATED_MS = 24 * 60 * 60 * 1000;

/** Segment's batch endpoint: takes events, keeps each message id once a day. */
export class SegmentSimulator implements Hosted {
  readonly name = 'segment';
  readonly faults = new Faults();
  readonly effects: EffectLog;
  readonly controls: Record<string, Control> = { events: () => ({ data: this.events(), duplicates: this.duplicates }) };
  /** Events that came again within a day, and were dropped. */
  duplicates = 0;
  changed: () => void = () => {};
  readonly #clock: SandboxClock;
  readonly #options: SegmentOptions;
  #stored: Stored[] = [];
  readonly #seen = new Map<string, number>();

  constructor(clock: SandboxClock, options: SegmentOptions = {}) {
    this.#clock = clock;
    this.#options = options;
    this.effects = new EffectLog(clock);
  }

  mount(router: Router): void {
    const served = { faults: this.faults, errorReply, changed: () => this.changed() };
    router.post(
      '/v1/batch',
      serve(served, (request) => this.#batch(request)),
    );
  }

  /** Events taken, oldest first, without duplicates. */
  events(): SegmentEvent[] {
    return this.#stored.map(({ event }) => event);
  }

  inbox(): InboxEntry[] {
    return this.#stored.map(({ event, at }) => ({
      section: 'Analytics events',
      at,
      title: `${event.type} ${String(event['event'] ?? '')}`.trim(),
      fields: {
        user: String(event['userId'] ?? event['anonymousId'] ?? ''),
        messageId: event.messageId,
        properties: JSON.stringify(event['properties'] ?? event['traits'] ?? {}),
      },
    }));
  }

  snapshot(): unknown {
    return { stored: this.#stored, duplicates: this.duplicates, effects: this.effects.snapshot() };
  }

  restore(snapshot: unknown): void {
    const saved = snapshot as { stored: Stored[]; duplicates: number; effects: Effect[] };
    this.#stored = structuredClone(saved.stored);
    this.duplicates = saved.duplicates;
    for (const { event, at } of this.#stored) this.#seen.set(event.messageId, at);
    this.effects.restore(saved.effects);
  }

  reset(): void {
    this.#stored = [];
    this.#seen.clear();
    this.duplicates = 0;
    this.effects.clear();
    this.faults.clear();
  }

  #batch(request: ProviderRequest): Reply {
    const [, encoded = ''] = /^Basic (\S+)$/.exec(header(request, 'authorization') ?? '') ?? [];
    const key = Buffer.from(encoded, 'base64').toString('utf8').split(':')[0] ?? '';
    if (key === '' || (this.#options.writeKey !== undefined && key !== this.#options.writeKey)) return errorReply(401);
    const body = header(request, 'content-encoding') === 'gzip' ? gunzipSync(request.body) : request.body;
    if (body.length > MAX_BATCH_BYTES) return errorReply(413);
    const events = readBatch(body);
    if (!events) return errorReply(400);
    for (const event of events) this.#take(event);
    return { status: 200, body: { success: true } };
  }

  #take(event: SegmentEvent): void {
    const now = this.#clock.now();
    const before = this.#seen.get(event.messageId);
    if (before !== undefined && now - before < DEDUPLICATED_MS) {
      this.duplicates++;
      return;
    }
    this.#seen.set(event.messageId, now);
    this.#stored.push({ event, at: now });
    this.effects.record({
      kind: event.type,
      id: event.messageId,
      jobId: event.messageId,
      detail: { event: event['event'] },
    });
  }
}

function readBatch(body: Buffer): SegmentEvent[] | undefined {
  try {
    const parsed = JSON.parse(body.toString('utf8')) as { batch?: unknown };
    if (!Array.isArray(parsed.batch) || !parsed.batch.every(isEvent)) return undefined;
    return parsed.batch;
  } catch {
    // Answered as a 400 by the caller.
    return undefined;
  }
}

function isEvent(value: unknown): value is SegmentEvent {
  if (typeof value !== 'object' || value === null) return false;
  const event = value as Record<string, unknown>;
  return (
    typeof event['messageId'] === 'string' &&
    TYPES.includes(String(event['type'])) &&
    (typeof event['userId'] === 'string' || typeof event['anonymousId'] === 'string' || event['type'] === 'alias') &&
    (event['type'] !== 'track' || typeof event['event'] === 'string') &&
    Buffer.byteLength(JSON.stringify(event)) <= MAX_EVENT_BYTES
  );
}

function errorReply(status: number): Reply {
  const messages: Record<number, string> = {
    400: 'malformed JSON',
    401: 'invalid write key',
    413: 'payload too large',
    429: 'rate limit exceeded',
  };
  return {
    status,
    ...(status === 429 ? { headers: { 'Retry-After': '1' } } : {}),
    body: { success: false, message: messages[status] ?? 'internal error' },
  };
}
