import type { Secret } from '@queue-service/observability';
import { createTransport } from 'nodemailer';
import type { Circuit } from '../circuit.ts';
import type { Mail, MailCall, Mailer } from '../mail/mail.ts';
import { smtpError } from './errors.ts';

export interface SmtpOptions {
  /** `smtp://` or `smtps://`, with the credentials in it. */
  url: Secret;
  /** For the connection, and for every silence within it. */
  timeoutMs: number;
  circuit: Circuit;
}

export interface SmtpMailer extends Mailer {
  close(): void;
}

/**
 * Mail by any SMTP server. Every repeat carries the same Message-ID, made from the job's, by which the mailboxes of most providers show a
 * mail only once. nodemailer cannot be aborted; its time-outs bound a call.
 */
export function createSmtpMailer({ url, timeoutMs, circuit }: SmtpOptions): SmtpMailer {
  const transport = createTransport({
    url: url.reveal(),
    pool: true,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    send: (mail, call) =>
      circuit.run(call.signal, async () => {
        call.signal.throwIfAborted();
        try {
          const sent = await transport.sendMail(smtpMessage(mail, call));
          return { messageId: sent.messageId, provider: 'smtp' };
        } catch (error) {
          throw smtpError(error);
        }
      }),
    close: () => transport.close(),
  };
}

function smtpMessage(mail: Mail, { attachments }: MailCall) {
  const { from, to, cc, bcc, replyTo, subject, text, html, ids } = mail;
  const domain = /@([^>\s]+)/.exec(from)?.[1] ?? 'localhost';
  return {
    from,
    to,
    cc,
    bcc,
    messageId: `<${ids.job_id}@${domain}>`,
    headers: { 'X-Job-Id': ids.job_id },
    ...(replyTo !== null && { replyTo }),
    ...(subject !== null && { subject }),
    ...(text !== null && { text }),
    ...(html !== null && { html }),
    attachments: attachments.map(({ filename, content, contentType, disposition, contentId }) => ({
      filename,
      content,
      encoding: 'base64',
      ...(contentType !== undefined && { contentType }),
      ...(disposition !== undefined && { contentDisposition: disposition }),
      ...(contentId !== undefined && { cid: contentId }),
    })),
  };
}
