import sharedClient from '@sendgrid/client';
import sharedMailer from '@sendgrid/mail';

// Both packages hand out a shared instance and, beside it, its class; their types show a module only the instance.
const { Client } = sharedClient as unknown as { Client: new () => typeof sharedClient };
const { MailService } = sharedMailer as unknown as { MailService: new () => typeof sharedMailer };

export type Mail = Exclude<Parameters<typeof sharedMailer.send>[0], unknown[]>;

/** The official SDK pointed at a simulated SendGrid. */
export function mailerOf(sandbox: { url: string }, apiKey = 'SG.sandbox') {
  const client = new Client();
  client.setApiKey(apiKey);
  // After the key: setting one puts SendGrid's own URL back.
  client.setDefaultRequest('baseUrl', sandbox.url);
  const mailer = new MailService();
  mailer.setClient(client);
  return mailer;
}
