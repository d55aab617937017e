import { PermanentError } from '@queue-service/contracts';
import type { Handler } from '@queue-service/queue';
import type { FcmTarget, Push, PushReceipt, PushSender, WebPushTarget } from '../push/push.ts';
import type { Suppressions } from '../suppressions.ts';

export interface SendPushParts {
  webPush: PushSender<WebPushTarget>;
  fcm: PushSender<FcmTarget>;
  suppressions: Suppressions;
}

/** A day: what a ticket or an event has to say is of little use later. */
const defaultTtlSeconds = 86_400;

export function sendPush({ webPush, fcm, suppressions }: SendPushParts): Handler<'send-push'> {
  return async (payload, ctx) => {
    const { target, ttlSeconds = defaultTtlSeconds } = payload;
    const address = target.kind === 'webpush' ? target.endpoint : target.token;
    const [suppressed] = await suppressions.check(ctx.tenantId, 'push', [address]);
    if (suppressed !== undefined) {
      return { messageId: null, channel: target.kind, suppressed: true, suppressedReason: suppressed.reason };
    }

    const push: Push = {
      target,
      title: payload.title,
      body: payload.body,
      data: payload.data ?? {},
      ttlSeconds,
      collapseKey: payload.collapseKey ?? null,
      // 32 characters, what a Topic may have (RFC 8030, 5.4).
      tag: ctx.jobId.replaceAll('-', ''),
      expiresAt: Math.floor(ctx.createdAt.getTime() / 1_000) + ttlSeconds,
    };
    try {
      const { response } = await ctx.effect<Push, PushReceipt>('push', {
        provider: target.kind,
        operation: target.kind === 'webpush' ? 'push' : 'messages.send',
        request: push,
        // Neither service can be asked; the tag makes a repeat take the place of the first.
        onUnknown: 'repeat',
        async send(request, { signal }) {
          const receipt = isFcm(request)
            ? await fcm.send(request, signal)
            : await webPush.send(request as Push<WebPushTarget>, signal);
          return { providerId: receipt.messageId, response: receipt };
        },
      });
      return { ...response, channel: target.kind, suppressed: false, suppressedReason: null };
    } catch (error) {
      if (error instanceof PermanentError && error.code === 'target_gone') {
        await suppressions.add(ctx.tenantId, 'push', { address, reason: 'target_gone', source: target.kind });
      }
      throw error;
    }
  };
}

function isFcm(push: Push): push is Push<FcmTarget> {
  return push.target.kind === 'fcm';
}
