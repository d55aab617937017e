import type { Circuit } from '../circuit.ts';
import type { Mailer } from '../mail/mail.ts';
import type { SendgridClient } from './client.ts';
import { sendgridError } from './errors.ts';
import { sendgridMessage } from './message.ts';

/** Mail by SendGrid. */
export function createSendgridMailer(client: SendgridClient, circuit: Circuit): Mailer {
  return {
    send: (mail, call) =>
      circuit.run(call.signal, async () => {
        const message = sendgridMessage(mail, call);
        try {
          return { messageId: await client.send(message, call.signal), provider: 'sendgrid' };
        } catch (error) {
          throw sendgridError(error, Date.now());
        }
      }),
  };
}
