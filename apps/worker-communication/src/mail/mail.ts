import type { JobPayload } from '@queue-service/contracts';

type EmailPayload = JobPayload<'send-email'>;
type Attachment = NonNullable<EmailPayload['attachments']>[number];

/** Who a mail goes to; no address stands in two places, which SendGrid would refuse. */
export type Recipients = { to: string[]; cc: string[]; bcc: string[] };

/** A mail as it is stored with its effect. Attachments stay in the job's payload: they are large, and they cannot change. */
export type Mail = Recipients & {
  from: string;
  replyTo: string | null;
  template: { id: string; data: NonNullable<EmailPayload['templateData']> } | null;
  subject: string | null;
  html: string | null;
  text: string | null;
  categories: string[];
  /** The provider checks the mail and does not send it. */
  sandbox: boolean;
  /** Come back in the provider's event webhook, and lead to the job. */
  ids: { job_id: string; tenant_id: string };
};

/** What a provider made of a mail. */
export type MailReceipt = { messageId: string | null; provider: 'sendgrid' | 'smtp' };

export interface MailCall {
  attachments: readonly Attachment[];
  /** Comes back in the provider's events. */
  effectId: string;
  signal: AbortSignal;
}

/** Hands a mail to a provider. */
export interface Mailer {
  /** @throws PermanentError, RetryableError, RateLimitedError, UnknownOutcomeError */
  send(mail: Mail, call: MailCall): Promise<MailReceipt>;
}

/** The addresses of a payload in their places, the first place of an address counting. */
export function recipientsOf(payload: EmailPayload): Recipients {
  const seen = new Set<string>();
  const fresh = (addresses: string | string[] | undefined) =>
    [addresses ?? []].flat().filter((address) => {
      const key = address.toLowerCase();
      return seen.has(key) ? false : seen.add(key);
    });
  return { to: fresh(payload.to), cc: fresh(payload.cc), bcc: fresh(payload.bcc) };
}

/** The recipients without those whose address is among `left out`. */
export function withoutAddresses(recipients: Recipients, leftOut: ReadonlySet<string>): Recipients {
  const stays = (addresses: string[]) => addresses.filter((address) => !leftOut.has(address));
  return { to: stays(recipients.to), cc: stays(recipients.cc), bcc: stays(recipients.bcc) };
}
