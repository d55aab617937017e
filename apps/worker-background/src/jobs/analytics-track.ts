import type { Handler, JsonObject } from '@queue-service/queue';
import type { Segment, SegmentEvent } from '../segment/segment.ts';

/**
 * One event to Segment. The job ends when Segment has accepted the batch that its event is in: what a dying process held
 * is still in the queue. A repeat does no harm, because Segment drops a `messageId` that it has seen.
 */
export function createAnalyticsTrack({ segment }: { segment: Segment }): Handler<'analytics-track'> {
  return async (payload, ctx) => {
    const request = {
      ...payload,
      messageId: ctx.jobId,
      // Else it would be the time of the attempt.
      timestamp: payload.timestamp ?? ctx.createdAt.toISOString(),
    };
    await ctx.effect('track', {
      provider: 'segment',
      operation: 'track',
      request: request as JsonObject,
      onUnknown: 'repeat',
      send: async (event, { signal }) => {
        await segment.track(event as unknown as SegmentEvent, signal);
        return { providerId: ctx.jobId, response: {} };
      },
    });
    return { messageId: ctx.jobId };
  };
}
