import type { JobPayload } from '@queue-service/contracts';

type Target = JobPayload<'send-push'>['target'];
export type WebPushTarget = Extract<Target, { kind: 'webpush' }>;
export type FcmTarget = Extract<Target, { kind: 'fcm' }>;

/** A push message as it is stored with its effect. */
export type Push<To extends Target = Target> = {
  target: To;
  title: string;
  body: string;
  data: Record<string, string>;
  ttlSeconds: number;
  /** The producer's: a later message replaces an earlier one that was not shown yet. */
  collapseKey: string | null;
  /** Names the message on the device: a repeat replaces the first instead of standing beside it. */
  tag: string;
  /** When it is of no use any more, epoch seconds. */
  expiresAt: number;
};

export type PushReceipt = { messageId: string | null };

/** Hands a push message to one of the push services. */
export interface PushSender<To extends Target> {
  /** @throws PermanentError (`target_gone` among others), RetryableError, RateLimitedError, UnknownOutcomeError */
  send(push: Push<To>, signal: AbortSignal): Promise<PushReceipt>;
}
