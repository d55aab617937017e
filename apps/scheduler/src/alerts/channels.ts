import type { Secret } from '@queue-service/observability';
import type { AlertChannel } from './channels/channel.ts';
import { pagerDutyChannel } from './channels/pagerduty.ts';
import { slackChannel } from './channels/slack.ts';
import { webhookChannel } from './channels/webhook.ts';

export interface AlertConfig {
  ALERT_SLACK_WEBHOOK_URL?: Secret | undefined;
  ALERT_PAGERDUTY_ROUTING_KEY?: Secret | undefined;
  ALERT_PAGERDUTY_URL: string;
  ALERT_WEBHOOK_URL?: Secret | undefined;
  ALERT_WEBHOOK_SECRET?: Secret | undefined;
}

/** The channels that are configured. */
export function channelsOf(config: AlertConfig, now: () => Date): AlertChannel[] {
  const { ALERT_SLACK_WEBHOOK_URL: slack, ALERT_PAGERDUTY_ROUTING_KEY: routingKey } = config;
  const { ALERT_WEBHOOK_URL: webhook, ALERT_WEBHOOK_SECRET: secret } = config;
  return [
    ...(slack ? [slackChannel(slack)] : []),
    ...(routingKey ? [pagerDutyChannel(config.ALERT_PAGERDUTY_URL, routingKey)] : []),
    ...(webhook && secret ? [webhookChannel(webhook, secret, now)] : []),
  ];
}
