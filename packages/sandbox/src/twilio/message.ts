/** A message as Twilio's REST API shows it. https://www.twilio.com/docs/messaging/api/message-resource */
export interface TwilioMessage {
  account_sid: string;
  api_version: '2010-04-01';
  body: string;
  date_created: string;
  date_sent: string | null;
  date_updated: string;
  direction: 'outbound-api';
  error_code: number | null;
  error_message: string | null;
  from: string | null;
  messaging_service_sid: string | null;
  num_media: string;
  num_segments: string;
  price: string | null;
  price_unit: string | null;
  sid: string;
  status: MessageStatus;
  subresource_uris: { media: string };
  to: string;
  uri: string;
}

export const MESSAGE_STATUSES = [
  'accepted',
  'queued',
  'sending',
  'sent',
  'delivered',
  'undelivered',
  'failed',
  'read',
  'canceled',
  'scheduled',
] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

/** A message with what the API does not show. */
export interface StoredMessage {
  message: TwilioMessage;
  /** Epoch milliseconds. */
  createdAt: number;
  sentAt: number | null;
  statusCallback: string | null;
}

/** RFC 2822, as Twilio writes its dates. */
export function rfc2822(ms: number): string {
  return new Date(ms).toUTCString().replace('GMT', '+0000');
}
