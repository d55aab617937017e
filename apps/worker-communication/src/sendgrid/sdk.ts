import sharedClient from '@sendgrid/client';
import sharedMailer from '@sendgrid/mail';

// Both packages hand out a shared instance and, beside it, its class. Their types (an `export =` with more exports
// behind a ts-ignore) show a module only the instance.
const { Client } = sharedClient as unknown as { Client: new () => typeof sharedClient };
const { MailService } = sharedMailer as unknown as { MailService: new () => typeof sharedMailer };

/** A mail as `MailService.send` takes it. */
export type SendgridMessage = Exclude<Parameters<typeof sharedMailer.send>[0], unknown[]>;

export { Client, MailService };
