import type { Secret } from '@queue-service/observability';
import { changeOf, runbooks } from '../message.ts';
import { type AlertChannel, post } from './channel.ts';

const longestSummary = 1_024;

/**
 * Events API v2. The episode of an incident is the `dedup_key`: repeats group into one alert, and its end resolves it.
 * https://developer.pagerduty.com/docs/events-api-v2-overview
 */
export function pagerDutyChannel(url: string, routingKey: Secret): AlertChannel {
  return {
    name: 'pagerduty',
    batch: 1,
    send: async (notices, signal) => {
      for (const notice of notices) {
        const change = changeOf(notice);
        const event = {
          routing_key: routingKey.reveal(),
          event_action: change === 'resolved' ? 'resolve' : 'trigger',
          dedup_key: notice.id,
          ...(change !== 'resolved' && {
            payload: {
              summary: notice.summary.slice(0, longestSummary),
              source: 'queue-service',
              severity: notice.severity,
              timestamp: notice.openedAt.toISOString(),
              class: notice.kind,
              group: notice.key,
              custom_details: { ...notice.details, runbook: `docs/runbooks/${runbooks[notice.kind]}` },
            },
          }),
        };
        await post(url, JSON.stringify(event), {}, signal);
      }
    },
  };
}
