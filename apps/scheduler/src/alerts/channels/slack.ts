import type { Secret } from '@queue-service/observability';
import { lineOf } from '../message.ts';
import { type AlertChannel, post } from './channel.ts';

/** `&`, `<` and `>` make links and mentions. https://docs.slack.dev/messaging/formatting-message-text */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** What is due at once is one message. Slack knows no repeat: one can happen if the process dies in the moment of sending. */
export function slackChannel(url: Secret): AlertChannel {
  return {
    name: 'slack',
    batch: 20,
    send: (notices, signal) =>
      post(
        url.reveal(),
        JSON.stringify({ text: notices.map((notice) => escaped(lineOf(notice))).join('\n') }),
        {},
        signal,
      ),
  };
}
