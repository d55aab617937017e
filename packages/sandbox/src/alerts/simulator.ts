import { setTimeout as pause } from 'node:timers/promises';
import type { Router } from 'express';
import type { SandboxClock } from '../http/clock.ts';
import { type Effect, EffectLog } from '../http/effects.ts';
import { Faults } from '../http/faults.ts';
import type { Hosted } from '../http/host.ts';
import { IdSource } from '../http/ids.ts';
import type { Control, InboxEntry, ProviderOptions } from '../http/provider.ts';
import type { ProviderRequest, Reply } from '../http/request.ts';
import { serve } from '../http/serve.ts';
import { applyEvent, eventErrors, invalidEvent, type PagerDutyAlert, type PagerDutyEvent } from './pagerduty.ts';

export interface SlackMessage {
  /** The path of the incoming webhook. */
  path: string;
  text: string;
  body: Record<string, unknown>;
  /** Epoch milliseconds. */
  at: number;
}

/** A request to `/hooks/<name>`, as it came. */
export interface HookRequest {
  name: string;
  method: string;
  target: string;
  headers: Record<string, string>;
  /** The body as text. */
  body: string;
  /** The body's bytes, base64. */
  raw: string;
  at: number;
}

/** What `/hooks/<name>` answers; `hang` never answers. Default 200. */
export interface HookAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: string;
  /** Wait before the answer, in ms. */
  delayMs?: number;
  hang?: boolean;
}

/** Inboxes for what the service tells people: Slack, PagerDuty and any webhook. */
export class AlertsSimulator implements Hosted {
  readonly name = 'alerts';
  readonly faults = new Faults();
  readonly effects: EffectLog;
  readonly controls: Record<string, Control>;
  changed: () => void = () => {};
  #slack: SlackMessage[] = [];
  #pagerDuty: PagerDutyAlert[] = [];
  #hooks: HookRequest[] = [];
  readonly #answers = new Map<string, HookAnswer>();
  readonly #clock: SandboxClock;
  readonly #ids: IdSource;

  constructor(clock: SandboxClock, options: ProviderOptions = {}) {
    this.#clock = clock;
    this.#ids = new IdSource(options.seed);
    this.effects = new EffectLog(clock);
    this.controls = {
      slack: () => ({ data: this.#slack }),
      pagerduty: () => ({ data: this.#pagerDuty }),
      hooks: (args) => ({ data: this.hooks(args['name'] as string | undefined) }),
      answer: (args) => this.answer(String(args['name']), args['with'] as HookAnswer),
    };
  }

  mount(router: Router): void {
    const changed = () => this.changed();
    const slack = { faults: this.faults, changed, errorReply: slackError };
    const pagerDuty = { faults: this.faults, changed, errorReply: pagerDutyError };
    const hooks = { faults: this.faults, changed, errorReply: (status: number) => ({ status }) };
    router.post(
      '/services/:team/:bot/:secret',
      serve(slack, (request) => this.#toSlack(request)),
    );
    router.post(
      '/v2/enqueue',
      serve(pagerDuty, (request) => this.#enqueue(request)),
    );
    router.all(
      '/hooks/:name',
      serve(hooks, (request) => this.#hook(request)),
    );
  }

  /** Messages to Slack, oldest first. */
  slack(): readonly SlackMessage[] {
    return this.#slack;
  }

  /** Alerts at PagerDuty, oldest first; grouped and resolved as it does. */
  pagerDuty(): readonly PagerDutyAlert[] {
    return this.#pagerDuty;
  }

  /** Requests to `/hooks/<name>`, oldest first; of all names without one. */
  hooks(name?: string): HookRequest[] {
    return this.#hooks.filter((hook) => name === undefined || hook.name === name);
  }

  /** Sets what `/hooks/<name>` answers from now on. */
  answer(name: string, answer: HookAnswer): void {
    this.#answers.set(name, answer);
  }

  inbox(): InboxEntry[] {
    return [
      ...this.#slack.map((message) => ({ section: 'Slack', at: message.at, title: message.text, fields: {} })),
      ...this.#pagerDuty.map((alert) => ({
        section: 'PagerDuty',
        at: alert.at,
        title: `${alert.status}: ${alert.summary}`,
        fields: {
          severity: alert.severity,
          source: alert.source,
          dedup_key: alert.dedupKey,
          triggers: String(alert.triggers),
        },
      })),
      ...this.#hooks.map((hook) => ({
        section: 'Webhooks',
        at: hook.at,
        title: `${hook.method} /hooks/${hook.name}`,
        fields: hook.headers,
        text: hook.body,
      })),
    ];
  }

  snapshot(): unknown {
    return {
      slack: this.#slack,
      pagerDuty: this.#pagerDuty,
      hooks: this.#hooks,
      position: this.#ids.position,
      effects: this.effects.snapshot(),
    };
  }

  restore(snapshot: unknown): void {
    const saved = snapshot as {
      slack: SlackMessage[];
      pagerDuty: PagerDutyAlert[];
      hooks: HookRequest[];
      position: number;
      effects: Effect[];
    };
    this.#slack = structuredClone(saved.slack);
    this.#pagerDuty = structuredClone(saved.pagerDuty);
    this.#hooks = structuredClone(saved.hooks);
    this.#ids.resumeAt(saved.position);
    this.effects.restore(saved.effects);
  }

  reset(): void {
    this.#slack = [];
    this.#pagerDuty = [];
    this.#hooks = [];
    this.#answers.clear();
    this.effects.clear();
    this.faults.clear();
  }

  /** https://api.slack.com/messaging/webhooks */
  #toSlack(request: ProviderRequest): Reply {
    const body = parseObject(request.body);
    if (!body) return { status: 400, body: 'invalid_payload' };
    if (typeof body['text'] !== 'string' && !Array.isArray(body['blocks'])) return { status: 400, body: 'no_text' };
    const text = typeof body['text'] === 'string' ? body['text'] : JSON.stringify(body['blocks']);
    this.#slack.push({ path: request.path, text, body, at: this.#clock.now() });
    this.effects.record({ kind: 'slack_message', id: this.#ids.token(12), detail: { text } });
    return { status: 200, body: 'ok' };
  }

  #enqueue(request: ProviderRequest): Reply {
    const body = parseObject(request.body);
    if (!body) return invalidEvent(['JSON request body is invalid']);
    const errors = eventErrors(body, request.body.length);
    if (errors.length > 0) return invalidEvent(errors);
    const event = body as unknown as PagerDutyEvent;
    const dedupKey = event.dedup_key ?? this.#ids.hex(32);
    applyEvent(this.#pagerDuty, event, dedupKey, this.#clock.now());
    this.effects.record({
      kind: `pagerduty_${event.event_action}`,
      id: dedupKey,
      detail: { summary: event.payload?.summary ?? null },
    });
    return { status: 202, body: { status: 'success', message: 'Event processed', dedup_key: dedupKey } };
  }

  async #hook(request: ProviderRequest): Promise<Reply> {
    const name = request.params['name'] ?? '';
    this.#hooks.push({
      name,
      method: request.method,
      target: request.target,
      headers: Object.fromEntries(Object.entries(request.headers).map(([key, value]) => [key, String(value)])),
      body: request.body.toString('utf8'),
      raw: request.body.toString('base64'),
      at: this.#clock.now(),
    });
    this.effects.record({ kind: 'hook', id: this.#ids.token(12), detail: { name } });
    const answer = this.#answers.get(name) ?? {};
    if (answer.hang) return await new Promise<never>(() => {});
    if (answer.delayMs) await pause(answer.delayMs);
    return { status: answer.status ?? 200, headers: answer.headers ?? {}, body: answer.body ?? '' };
  }
}

function slackError(status: number): Reply {
  if (status === 429) return { status, headers: { 'Retry-After': '1' }, body: 'rate_limited' };
  const words: Record<number, string> = {
    400: 'invalid_payload',
    403: 'invalid_token',
    404: 'no_service',
    410: 'channel_is_archived',
  };
  return { status, body: words[status] ?? 'rollup_error' };
}

function pagerDutyError(status: number): Reply {
  return {
    status,
    body: {
      status: status === 429 ? 'throttle exceeded' : 'error',
      message: `The request failed with status ${status}`,
      errors: [],
    },
  };
}

function parseObject(body: Buffer): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    // Answered as a 400 by the caller.
    return undefined;
  }
}
