import type { Router } from 'express';
import type { SandboxClock } from '../http/clock.ts';
import { type Effect, EffectLog } from '../http/effects.ts';
import { Faults } from '../http/faults.ts';
import type { Hosted } from '../http/host.ts';
import { IdSource } from '../http/ids.ts';
import { jobIdOfTag } from '../http/job-id.ts';
import type { Control, InboxEntry, ProviderOptions } from '../http/provider.ts';
import { header, type ProviderRequest, type Reply } from '../http/request.ts';
import { serve } from '../http/serve.ts';
import { errorByStatus } from './errors.ts';
import { type FcmMessage, readMessage } from './message.ts';
import { OAuth, type ServiceAccountKey } from './oauth.ts';

export interface ReceivedFcmMessage {
  /** `projects/<project>/messages/<id>` */
  name: string;
  message: FcmMessage;
  /** Epoch milliseconds. */
  at: number;
}

/** Firebase Cloud Messaging, HTTP v1, with Google's token endpoint for service accounts. */
export class FcmSimulator implements Hosted {
  readonly name = 'fcm';
  readonly faults = new Faults();
  readonly effects: EffectLog;
  readonly oauth: OAuth;
  readonly controls: Record<string, Control>;
  changed: () => void = () => {};
  #messages: ReceivedFcmMessage[] = [];
  #origin = '';
  readonly #clock: SandboxClock;
  readonly #ids: IdSource;
  readonly #unregistered = new Set<string>();
  readonly #mismatched = new Set<string>();

  constructor(clock: SandboxClock, options: ProviderOptions = {}) {
    this.#clock = clock;
    this.#ids = new IdSource(options.seed);
    this.effects = new EffectLog(clock);
    this.oauth = new OAuth(clock, this.#ids);
    this.controls = {
      createServiceAccount: (args) => this.createFcmServiceAccount(args['project'] as string | undefined),
      createToken: () => ({ token: this.createFcmToken() }),
      unregister: (args) => this.unregister(String(args['token'])),
      mismatch: (args) => this.mismatch(String(args['token'])),
      revokeTokens: () => this.oauth.revokeAll(),
      messages: () => ({ data: this.#messages }),
    };
  }

  mount(router: Router): void {
    const served = { faults: this.faults, errorReply: errorByStatus, changed: () => this.changed() };
    router.post(
      '/token',
      serve(served, (request) => this.oauth.token(new URLSearchParams(request.body.toString('utf8')))),
    );
    router.post(
      /^\/v1\/projects\/[^/]+\/messages:send$/,
      serve(served, (request) => this.#send(request)),
    );
  }

  listening(url: string): void {
    this.#origin = url;
  }

  /** A service account's key file whose tokens come from this server. @throws RangeError before the server listens */
  createFcmServiceAccount(project = 'sandbox-project'): ServiceAccountKey {
    if (this.#origin === '') throw new RangeError('the server does not listen yet');
    const account = this.oauth.createAccount(project, this.#origin);
    this.changed();
    return account;
  }

  /** A registration token of a device's look. */
  createFcmToken(): string {
    return `${this.#ids.token(22)}:APA91b${this.#ids.token(134)}`;
  }

  /** The app is gone from the device: `UNREGISTERED` from now on. */
  unregister(token: string): void {
    this.#unregistered.add(token);
    this.changed();
  }

  /** The token is another project's: `SENDER_ID_MISMATCH` from now on. */
  mismatch(token: string): void {
    this.#mismatched.add(token);
    this.changed();
  }

  /** Messages taken, oldest first. */
  messages(): readonly ReceivedFcmMessage[] {
    return this.#messages;
  }

  inbox(): InboxEntry[] {
    return this.#messages.map(({ message, name, at }) => ({
      section: 'Push messages (FCM)',
      at,
      title: message.notification?.title ?? '(no title)',
      fields: { name, target: message.token ?? message.topic ?? message.condition ?? '', ...message.data },
      text: message.notification?.body ?? '',
    }));
  }

  snapshot(): unknown {
    return {
      messages: this.#messages,
      unregistered: [...this.#unregistered],
      mismatched: [...this.#mismatched],
      accounts: this.oauth.snapshot(),
      position: this.#ids.position,
      effects: this.effects.snapshot(),
    };
  }

  restore(snapshot: unknown): void {
    const saved = snapshot as {
      messages: ReceivedFcmMessage[];
      unregistered: string[];
      mismatched: string[];
      accounts: ReturnType<OAuth['snapshot']>;
      position: number;
      effects: Effect[];
    };
    this.#messages = structuredClone(saved.messages);
    for (const token of saved.unregistered) this.#unregistered.add(token);
    for (const token of saved.mismatched) this.#mismatched.add(token);
    this.oauth.restore(saved.accounts);
    this.#ids.resumeAt(saved.position);
    this.effects.restore(saved.effects);
  }

  /** Service accounts stay: the key files made of them are in use. */
  reset(): void {
    this.#messages = [];
    this.#unregistered.clear();
    this.#mismatched.clear();
    this.effects.clear();
    this.faults.clear();
  }

  async #send(request: ProviderRequest): Promise<Reply> {
    const [, project = ''] = /^\/v1\/projects\/([^/]+)\//.exec(request.path) ?? [];
    const [, token = ''] = /^Bearer (\S+)$/.exec(header(request, 'authorization') ?? '') ?? [];
    if ((await this.oauth.projectOf(token)) !== decodeURIComponent(project)) return errorByStatus(401);
    const read = readMessage(request.body);
    if ('refusal' in read) return read.refusal;
    const { message, validateOnly } = read;
    if (message.token !== undefined && this.#unregistered.has(message.token)) return errorByStatus(404);
    if (message.token !== undefined && this.#mismatched.has(message.token)) return errorByStatus(403);
    const name = `projects/${project}/messages/${validateOnly ? 'fake_message_id' : `0:${this.#clock.now()}%${this.#ids.hex(16)}`}`;
    if (!validateOnly) {
      this.#messages.push({ name, message, at: this.#clock.now() });
      const jobId =
        message.data?.['job_id'] ??
        jobIdOfTag(message.android?.notification?.tag) ??
        jobIdOfTag(message.apns?.headers?.['apns-collapse-id']);
      this.effects.record({ kind: 'fcm_message', id: name, jobId, detail: { token: message.token ?? null } });
    }
    return { status: 200, body: { name } };
  }
}
