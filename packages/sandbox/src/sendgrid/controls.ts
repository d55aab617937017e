import type { Control } from '../http/provider.ts';
import type { EventWebhookOptions, MailEventType } from './events.ts';
import type { SendgridSimulator } from './simulator.ts';
import type { MailTemplate } from './templates.ts';

/** The simulator's methods for tests in other processes: `POST /_sandbox/sendgrid/<name>` with the arguments as JSON. */
export function sendgridControls(sendgrid: SendgridSimulator): Record<string, Control> {
  return {
    mails: () => ({ data: sendgrid.mails() }),
    event: (args) =>
      sendgrid.report(
        String(args['mail']),
        args['event'] as MailEventType,
        args['fields'] as Record<string, unknown> | undefined,
      ),
    template: (args) => void sendgrid.templates.set(String(args['id']), args as unknown as MailTemplate),
    addWebhook: (args) => sendgrid.events.add(args as unknown as EventWebhookOptions),
    removeWebhooks: () => sendgrid.events.removeAll(),
    publicKey: () => ({ publicKey: sendgrid.events.publicKey }),
    webhookDeliveries: () => ({ data: sendgrid.events.deliverer.deliveries() }),
    unsuppress: (args) => void sendgrid.suppressions.delete(String(args['email']).toLowerCase()),
    settings: (args) => {
      if (args['autoDeliver'] !== undefined) sendgrid.autoDeliver = args['autoDeliver'] === true;
      if (args['requestsPerMinute'] !== undefined) sendgrid.requestsPerMinute = Number(args['requestsPerMinute']);
    },
  };
}
