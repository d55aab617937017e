import type { Mail, MailCall } from '../mail/mail.ts';
import type { SendgridMessage } from './sdk.ts';

/** A mail in the words of @sendgrid/mail. */
export function sendgridMessage(mail: Mail, call: Pick<MailCall, 'attachments' | 'effectId'>): SendgridMessage {
  const { to, cc, bcc, from, replyTo, template, subject, html, text, categories } = mail;
  const message = {
    to,
    from,
    ...(cc.length > 0 && { cc }),
    ...(bcc.length > 0 && { bcc }),
    ...(replyTo !== null && { replyTo }),
    ...(subject !== null && { subject }),
    ...(text !== null && { text }),
    ...(html !== null && { html }),
    // hideWarnings: the SDK would print a hint about some characters of template data to the console.
    ...(template !== null && { templateId: template.id, dynamicTemplateData: template.data, hideWarnings: true }),
    ...(call.attachments.length > 0 && { attachments: call.attachments.map(attachment) }),
    ...(categories.length > 0 && { categories }),
    ...(mail.sandbox && { mailSettings: { sandboxMode: { enable: true } } }),
    customArgs: { ...mail.ids, effect_id: call.effectId },
  };
  // The payload's contract says that there is a template or content; the SDK's type wants to see which.
  return message as SendgridMessage;
}

function attachment({ filename, contentType, content, disposition, contentId }: MailCall['attachments'][number]) {
  return {
    filename,
    content,
    ...(contentType !== undefined && { type: contentType }),
    ...(disposition !== undefined && { disposition }),
    // The SDK passes attachments on as they are, without the renaming its types promise.
    ...(contentId !== undefined && { content_id: contentId }),
  };
}
