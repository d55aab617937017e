import { JobError, PermanentError, UnknownOutcomeError } from '@queue-service/contracts';
import type { Secret } from '@queue-service/observability';
import { AddressRefusedError } from '@queue-service/outbound';
import { type Dispatcher, request } from 'undici';
import webpush from 'web-push';
import type { Circuit } from '../circuit.ts';
import { rateLimited, retryAfterMs } from '../outbound/retry-after.ts';
import { causes, unanswered } from '../outbound/transport-error.ts';
import type { Push, PushSender, WebPushTarget } from './push.ts';

export interface WebPushOptions {
  vapid: { publicKey: string; privateKey: Secret /** `mailto:` or `https:` */; subject: string };
  /** Endpoints come from browsers by way of producers: give the guarded dispatcher. */
  dispatcher: Dispatcher;
  /** The circuit of a push service, by its origin: that one is down says nothing about the others. */
  circuitOf: (origin: string) => Circuit;
  timeoutMs: number;
  /** Plain http:// as well, which RFC 8030 forbids; for development and tests. */
  allowHttp: boolean;
}

/** Bytes of an error's answer that are read and thrown away, so that the socket can be used again. */
const discardedBytes = 16_384;

/**
 * Web Push (RFC 8030, 8188, 8291, 8292): web-push encrypts and signs; the request itself is made here, because the
 * library can neither be aborted nor be kept from connecting to private addresses.
 */
export function createWebPushSender({
  vapid,
  dispatcher,
  circuitOf,
  timeoutMs,
  allowHttp,
}: WebPushOptions): PushSender<WebPushTarget> {
  return {
    async send(push, signal) {
      const { protocol, origin } = new URL(push.target.endpoint);
      if (protocol !== 'https:' && !allowHttp) {
        throw new PermanentError({ code: 'invalid_request', message: 'target.endpoint: is not an https:// URL' });
      }
      const details = prepare(push, vapid);
      return circuitOf(origin).run(signal, async () => {
        try {
          const { statusCode, headers, body } = await request(details.endpoint, {
            method: 'POST',
            headers: Object.fromEntries(Object.entries(details.headers).map(([name, value]) => [name, String(value)])),
            body: details.body,
            dispatcher,
            signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
          });
          await body.dump({ limit: discardedBytes }).catch(() => undefined);
          if (statusCode >= 200 && statusCode < 300) return { messageId: single(headers['location']) };
          throw answerError(statusCode, single(headers['retry-after']));
        } catch (error) {
          throw webPushError(error);
        }
      });
    },
  };
}

function prepare(push: Push<WebPushTarget>, vapid: WebPushOptions['vapid']) {
  const { target, title, body, data, ttlSeconds, collapseKey, tag } = push;
  try {
    return webpush.generateRequestDetails(
      { endpoint: target.endpoint, keys: target.keys },
      JSON.stringify({ title, body, data, tag: collapseKey ?? tag }),
      {
        vapidDetails: { subject: vapid.subject, publicKey: vapid.publicKey, privateKey: vapid.privateKey.reveal() },
        TTL: ttlSeconds,
        topic: collapseKey ?? tag,
        contentEncoding: 'aes128gcm',
      },
    );
  } catch {
    // The library's message may quote the keys.
    throw new PermanentError({
      code: 'invalid_request',
      message: 'target.keys: the message cannot be encrypted with these keys',
    });
  }
}

function answerError(status: number, retryAfter: string | null): JobError {
  const refused = (code: string, message: string) => new PermanentError({ code, message: `${message} (${status})` });
  switch (true) {
    case status === 404 || status === 410:
      return refused('target_gone', 'The push subscription is gone');
    case status === 413:
      return refused('payload_too_large', 'The push service refuses the message because of its size');
    case status === 401 || status === 403:
      return refused('provider_authentication_failed', 'The push service refuses the VAPID key for this subscription');
    case status === 429:
      return rateLimited('The push service', retryAfterMs(retryAfter, 60_000, Date.now()));
    case status >= 500:
      return new UnknownOutcomeError({ code: 'provider_error', message: `The push service failed with ${status}` });
    default:
      return refused('invalid_request', 'The push service refuses the message');
  }
}

function webPushError(error: unknown): JobError {
  for (const cause of causes(error)) {
    if (cause instanceof AddressRefusedError) {
      return new PermanentError({ code: 'invalid_request', message: 'target.endpoint: is not at a public address' });
    }
  }
  return error instanceof JobError ? error : unanswered('The push service', error);
}

function single(header: string | string[] | undefined): string | null {
  return [header].flat()[0] ?? null;
}
