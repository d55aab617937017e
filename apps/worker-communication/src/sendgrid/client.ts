import type { Secret } from '@queue-service/observability';
import { Client, MailService, type SendgridMessage } from './sdk.ts';

export interface SendgridOptions {
  apiKey: Secret;
  /** SendGrid's own where not given. */
  baseUrl?: string | undefined;
  timeoutMs: number;
}

/** `@sendgrid/mail`, one mail a call. */
export interface SendgridClient {
  /**
   * @returns SendGrid's message id; null in sandbox mode
   * @throws what the SDK throws
   */
  send(message: SendgridMessage, signal: AbortSignal): Promise<string | null>;
}

export function createSendgridClient({ apiKey, baseUrl, timeoutMs }: SendgridOptions): SendgridClient {
  return {
    async send(message, signal) {
      // The SDK takes an abort signal only as a default of the whole client, so each mail has a client of its own;
      // they share the sockets of Node's agent.
      const client = new Client();
      client.setApiKey(apiKey.reveal());
      const defaults = {
        ...(baseUrl !== undefined && { baseUrl }),
        timeout: timeoutMs,
        // A redirect would turn the POST into a GET and look like success.
        maxRedirects: 0,
        signal,
      };
      client.setDefaultRequest(defaults as unknown as Parameters<typeof client.setDefaultRequest>[0]);
      const mailer = new MailService();
      mailer.setClient(client);
      const [{ headers }] = await mailer.send(message);
      const id: unknown = headers['x-message-id'];
      return typeof id === 'string' && id !== '' ? id : null;
    },
  };
}
