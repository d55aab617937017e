import { type DeliveryStatus, isUuid } from '@queue-service/contracts';
import { isMoment } from './moment.ts';

/** One telling of a provider about one receiver of a message. */
export interface DeliveryEvent {
  provider: 'sendgrid' | 'twilio';
  /** The same on every repeat. */
  eventId: string;
  /** In the provider's words. */
  type: string;
  /** The message at the provider. */
  objectId: string | null;
  /** Null when the message is not one of ours. */
  jobId: string | null;
  tenantId: string | null;
  channel: 'email' | 'sms';
  /** Personal. */
  recipient: string;
  /** Null for what says nothing of the delivery. */
  kind: DeliveryStatus | null;
  /** The provider's code of a failure: `5.1.1`, `30003`. */
  code: string | null;
  /** Why the receiver is not to be written to again, null where nothing speaks against it. */
  suppress: 'bounced' | 'complained' | 'opted_out' | null;
  occurredAt: Date;
}

/** The ids that are sent along with a message and come back with its events. */
export interface MessageIds {
  job_id: string;
  tenant_id: string;
}

const tenant = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

function idsOf(told: Partial<Record<keyof MessageIds, unknown>>): Pick<DeliveryEvent, 'jobId' | 'tenantId'> {
  const { job_id: jobId, tenant_id: tenantId } = told;
  return {
    jobId: isUuid(jobId) ? jobId : null,
    tenantId: typeof tenantId === 'string' && tenant.test(tenantId) ? tenantId : null,
  };
}

/** Text that PostgreSQL takes, and no longer than an address or an id is. */
function isStorable(text: string): boolean {
  return text.length <= 500 && text.isWellFormed() && !text.includes('\0');
}

const sendgridKinds: Readonly<Record<string, DeliveryStatus>> = {
  processed: 'accepted',
  deferred: 'deferred',
  delivered: 'delivered',
  open: 'opened',
  click: 'clicked',
  unsubscribe: 'unsubscribed',
  group_unsubscribe: 'unsubscribed',
  spamreport: 'complained',
  dropped: 'dropped',
  bounce: 'bounced',
};

/** SendGrid drops a mail for what it knows of the address already. */
const dropReasons: Readonly<Record<string, DeliveryEvent['suppress']>> = {
  'Bounced Address': 'bounced',
  'Spam Reporting Address': 'complained',
  'Unsubscribed Address': 'opted_out',
};

/**
 * The events of one request of SendGrid's event webhook; what has not the shape of an event is left out.
 * https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
 */
export function readSendgridEvents(body: unknown): DeliveryEvent[] {
  return (Array.isArray(body) ? body : []).flatMap((told: Record<string, unknown> | null): DeliveryEvent[] => {
    const { event, email, timestamp, sg_event_id: eventId, sg_message_id: objectId } = told ?? {};
    if (told === null || typeof event !== 'string' || typeof email !== 'string') return [];
    if (typeof eventId !== 'string' || eventId === '' || !isMoment(timestamp)) return [];
    if (![event, email, eventId].every(isStorable)) return [];
    // A block is about this mail (its content, the sender's reputation), not about the address.
    const blocked = event === 'bounce' && told['type'] === 'blocked';
    return [
      {
        ...{ provider: 'sendgrid', channel: 'email', eventId, type: event, recipient: email, ...idsOf(told) },
        objectId: typeof objectId === 'string' && isStorable(objectId) ? objectId : null,
        kind: blocked ? 'failed' : (sendgridKinds[event] ?? null),
        code: /^\d\.\d{1,3}\.\d{1,3}$/.test(String(told['status'])) ? String(told['status']) : null,
        suppress: blocked ? null : sendgridSuppression(event, told['reason']),
        occurredAt: new Date(timestamp * 1_000),
      },
    ];
  });
}

function sendgridSuppression(event: string, reason: unknown): DeliveryEvent['suppress'] {
  switch (event) {
    case 'bounce':
      return 'bounced';
    case 'spamreport':
      return 'complained';
    case 'unsubscribe':
    case 'group_unsubscribe':
      return 'opted_out';
    case 'dropped':
      return dropReasons[String(reason)] ?? null;
    default:
      return null;
  }
}

const twilioKinds: Readonly<Record<string, DeliveryStatus>> = {
  accepted: 'accepted',
  scheduled: 'accepted',
  queued: 'accepted',
  sending: 'accepted',
  sent: 'accepted',
  delivered: 'delivered',
  read: 'opened',
  canceled: 'failed',
  undelivered: 'failed',
  failed: 'failed',
};

/** https://www.twilio.com/docs/api/errors: the receiver has said STOP; the number is a landline, or there is none. */
const twilioSuppressions: Readonly<Record<string, DeliveryEvent['suppress']>> = {
  21610: 'opted_out',
  30005: 'bounced',
  30006: 'bounced',
};

/**
 * One status callback of Twilio, null when it has not the shape of one. It bears no id and no time of its own: a message
 * comes to each status once.
 * @param ids of the callback's query
 */
export function readTwilioStatus(
  params: Readonly<Record<string, string>>,
  ids: Partial<MessageIds>,
  receivedAt: Date,
): DeliveryEvent | null {
  const { MessageSid: sid, MessageStatus: status, To: recipient, ErrorCode: code } = params;
  if (sid === undefined || status === undefined || recipient === undefined) return null;
  return {
    ...{ provider: 'twilio', channel: 'sms', eventId: `${sid}:${status}`, type: status, objectId: sid, recipient },
    ...idsOf(ids),
    kind: twilioKinds[status] ?? null,
    code: code !== undefined && /^\d{5}$/.test(code) ? code : null,
    suppress: twilioSuppressions[code ?? ''] ?? null,
    occurredAt: receivedAt,
  };
}

/** Where Twilio tells what becomes of one message. What it signs is this very text, so both sides make it here. */
export function twilioCallbackUrl(base: string, ids: Partial<MessageIds>): string {
  const url = new URL(base);
  for (const name of ['job_id', 'tenant_id'] as const) {
    const value = ids[name];
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url.toString();
}
