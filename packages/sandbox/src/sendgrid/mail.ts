import { type MailTemplate, renderTemplate } from './templates.ts';

/** The body of `POST /v3/mail/send`, as far as it was found to be well-formed. https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send */
export interface MailAddress {
  email: string;
  name?: string;
}

export interface Personalization {
  to: MailAddress[];
  cc?: MailAddress[];
  bcc?: MailAddress[];
  from?: MailAddress;
  subject?: string;
  headers?: Record<string, string>;
  substitutions?: Record<string, string>;
  dynamic_template_data?: Record<string, unknown>;
  custom_args?: Record<string, string>;
}

export interface MailBody {
  personalizations: Personalization[];
  from: MailAddress;
  reply_to?: MailAddress;
  subject?: string;
  content?: { type: string; value: string }[];
  attachments?: { content: string; filename: string; type?: string; disposition?: string; content_id?: string }[];
  template_id?: string;
  categories?: string[];
  custom_args?: Record<string, string>;
  mail_settings?: { sandbox_mode?: { enable?: boolean } };
}

/** A mail that was accepted; one for each personalization. */
export interface ReceivedMail {
  /** `X-Message-Id` of the answer. */
  messageId: string;
  /** `sg_message_id` of its events. */
  sgMessageId: string;
  /** Epoch milliseconds. */
  at: number;
  from: MailAddress;
  replyTo: MailAddress | null;
  to: string[];
  cc: string[];
  bcc: string[];
  subject: string;
  text: string;
  html: string;
  templateId: string | null;
  templateData: Record<string, unknown>;
  categories: string[];
  customArgs: Record<string, string>;
  headers: Record<string, string>;
  attachments: { filename: string; type: string; bytes: number }[];
  /** Recipients that SendGrid dropped, because they had bounced, complained or unsubscribed. */
  dropped: string[];
}

/** A personalization of an accepted request as its reader gets it. */
export function receiveMail(
  body: MailBody,
  personalization: Personalization,
  known: {
    messageId: string;
    sgMessageId: string;
    at: number;
    template: MailTemplate | undefined;
    suppressed: (email: string) => boolean;
  },
): ReceivedMail {
  const { template } = known;
  const data = personalization.dynamic_template_data ?? {};
  const emails = (list: MailAddress[] | undefined) => (list ?? []).map((item) => item.email);
  const content = (type: string) => body.content?.find((block) => block.type === type)?.value ?? '';
  const to = emails(personalization.to);
  return {
    messageId: known.messageId,
    sgMessageId: known.sgMessageId,
    at: known.at,
    from: personalization.from ?? body.from,
    replyTo: body.reply_to ?? null,
    to,
    cc: emails(personalization.cc),
    bcc: emails(personalization.bcc),
    subject: template ? renderTemplate(template.subject, data) : (personalization.subject ?? body.subject ?? ''),
    text: template ? renderTemplate(template.text ?? '', data) : content('text/plain'),
    html: template ? renderTemplate(template.html ?? '', data) : content('text/html'),
    templateId: body.template_id ?? null,
    templateData: data,
    categories: body.categories ?? [],
    customArgs: { ...body.custom_args, ...personalization.custom_args },
    headers: personalization.headers ?? {},
    attachments: (body.attachments ?? []).map((item) => ({
      filename: item.filename,
      type: item.type ?? 'application/octet-stream',
      bytes: Buffer.from(item.content, 'base64').length,
    })),
    dropped: to.filter(known.suppressed),
  };
}
