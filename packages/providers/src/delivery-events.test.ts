import { describe, expect, it } from 'vitest';
import { readSendgridEvents, readTwilioStatus, twilioCallbackUrl } from './delivery-events.ts';

const ids = { job_id: '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f', tenant_id: 'venue-1' };
const mail = (event: string, more: object = {}) => ({
  ...{ ...ids, email: 'ada@example.com', timestamp: 1_900_000_000, sg_event_id: 'e1', sg_message_id: 'm1', event },
  ...more,
});

describe('events of SendGrid', () => {
  it.each([
    [mail('delivered'), 'delivered', null],
    [mail('bounce', { type: 'bounce', status: '5.1.1' }), 'bounced', 'bounced'],
    [mail('bounce', { type: 'blocked' }), 'failed', null],
    [mail('dropped', { reason: 'Spam Reporting Address' }), 'dropped', 'complained'],
    [mail('dropped', { reason: 'Invalid SMTPAPI header' }), 'dropped', null],
    [mail('spamreport'), 'complained', 'complained'],
    [mail('group_unsubscribe'), 'unsubscribed', 'opted_out'],
    [mail('group_resubscribe'), null, null],
  ])('%j', (told, kind, suppress) => {
    const ours = { jobId: ids.job_id, tenantId: 'venue-1', eventId: 'e1', occurredAt: new Date(1_900_000_000_000) };
    expect(readSendgridEvents([told])).toMatchObject([{ ...ours, kind, suppress }]);
  });

  it('that are none, or not of our making, lead to no job', () => {
    expect(readSendgridEvents([null, {}, mail('open', { sg_event_id: '' })])).toEqual([]);
    expect(readSendgridEvents({})).toEqual([]);
    expect(readSendgridEvents([mail('open', { job_id: '1; DROP', tenant_id: '../x' })])).toMatchObject([
      { jobId: null, tenantId: null },
    ]);
  });
});

describe('status callbacks of Twilio', () => {
  const at = new Date(0);
  const told = (MessageStatus: string, ErrorCode?: string) =>
    readTwilioStatus(
      { MessageSid: 'SM1', To: '+41791234567', MessageStatus, ...(ErrorCode && { ErrorCode }) },
      ids,
      at,
    );

  it('tell how a message fared, and of numbers that are not to be written to again', () => {
    expect(told('sent')).toMatchObject({ kind: 'accepted', eventId: 'SM1:sent', jobId: ids.job_id, suppress: null });
    expect(told('undelivered', '30003')).toMatchObject({ kind: 'failed', code: '30003', suppress: null });
    expect(told('failed', '21610')).toMatchObject({ kind: 'failed', suppress: 'opted_out' });
    expect(told('undelivered', '30006')).toMatchObject({ suppress: 'bounced' });
    expect(readTwilioStatus({ From: '+1' }, ids, at)).toBeNull();
  });

  it('go to an address that both sides write alike', () => {
    expect(twilioCallbackUrl('https://api.example/twilio?x=1', ids)).toBe(
      `https://api.example/twilio?x=1&job_id=${ids.job_id}&tenant_id=venue-1`,
    );
  });
});
