import type { Handler } from '@queue-service/queue';
import { type Mail, type Mailer, type MailReceipt, recipientsOf, withoutAddresses } from '../mail/mail.ts';
import type { Suppressions } from '../suppressions.ts';

export interface SendEmailParts {
  mailer: Mailer;
  suppressions: Suppressions;
  /** `tickets@example.com` or `Tickets <tickets@example.com>`. */
  from: string;
}

export function sendEmail({ mailer, suppressions, from }: SendEmailParts): Handler<'send-email'> {
  return async (payload, ctx) => {
    const wanted = recipientsOf(payload);
    const suppressed = await suppressions.check(ctx.tenantId, 'email', [...wanted.to, ...wanted.cc, ...wanted.bcc]);
    const recipients = withoutAddresses(wanted, new Set(suppressed.map(({ address }) => address)));
    // Copies go with a mail to somebody: without anybody left in `to` there is no mail to copy.
    if (recipients.to.length === 0) {
      return {
        messageId: null,
        accepted: 0,
        provider: 'none',
        suppressed: true,
        suppressedReason: suppressed[0]?.reason ?? null,
      };
    }

    const mail: Mail = {
      ...recipients,
      from,
      replyTo: payload.replyTo ?? null,
      template: payload.templateId === undefined ? null : { id: payload.templateId, data: payload.templateData ?? {} },
      subject: payload.subject ?? null,
      html: payload.html ?? null,
      text: payload.text ?? null,
      categories: payload.categories ?? [],
      sandbox: payload.sandbox ?? false,
      ids: { job_id: ctx.jobId, tenant_id: ctx.tenantId },
    };
    const { response } = await ctx.effect<Mail, MailReceipt & { accepted: number }>('mail', {
      provider: 'sendgrid',
      operation: 'mail.send',
      request: mail,
      // Neither SendGrid nor an SMTP server can be asked whether a mail went out.
      onUnknown: payload.delivery === 'at_most_once' ? 'stop' : 'repeat',
      async send(request, { idempotencyKey, signal }) {
        const receipt = await mailer.send(request, {
          attachments: payload.attachments ?? [],
          effectId: idempotencyKey,
          signal,
        });
        const accepted = request.to.length + request.cc.length + request.bcc.length;
        return { providerId: receipt.messageId, response: { ...receipt, accepted } };
      },
    });
    return { ...response, suppressed: false, suppressedReason: null };
  };
}
