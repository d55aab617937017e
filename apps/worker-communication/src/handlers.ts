import type { CIRCUIT_STATES } from '@queue-service/observability';
import { createAddressPolicy } from '@queue-service/outbound';
import type { Handlers, Provider } from '@queue-service/queue';
import { type Circuit, type CircuitOptions, circuitsByOrigin, createCircuit, type ProviderLimiter } from './circuit.ts';
import type { CommunicationConfig } from './config.ts';
import { type DeliverWebhookParts, deliverWebhook } from './jobs/deliver-webhook.ts';
import { sendEmail } from './jobs/send-email.ts';
import { sendPush } from './jobs/send-push.ts';
import { sendSms } from './jobs/send-sms.ts';
import { createFallbackMailer } from './mail/fallback-mailer.ts';
import { createGuardedAgent } from './outbound/guarded-agent.ts';
import { createFcmSender } from './push/fcm.ts';
import { createWebPushSender } from './push/web-push.ts';
import { createSendgridClient } from './sendgrid/client.ts';
import { createSendgridMailer } from './sendgrid/mailer.ts';
import { createSmtpMailer, type SmtpMailer } from './smtp/mailer.ts';
import type { Suppressions } from './suppressions.ts';
import { createTwilioSender } from './twilio/client.ts';
import type { Deliveries } from './webhooks/deliveries.ts';
import { createPoster } from './webhooks/post.ts';

/** What the handlers need of the rest of the house. */
export interface CommunicationPorts {
  suppressions: Suppressions;
  deliveries: Deliveries;
  /** The rate at which the fleet may use each provider; none where not given. */
  limiter?: ProviderLimiter;
  onCircuit?: (provider: Provider, state: keyof typeof CIRCUIT_STATES) => void;
  onWebhookTry?: DeliverWebhookParts['report'];
}

export interface CommunicationHandlers {
  handlers: Handlers<'communication'>;
  /** Closes the connections; for when no handler runs any more. */
  close(): Promise<void>;
}

/** A try of a webhook or a message may take this long; well within the time-out of its job. */
const timeoutMs = 15_000;
/** Mails carry attachments. */
const mailTimeoutMs = 30_000;
const connectTimeoutMs = 5_000;

/** The handlers of the communication queue with their adapters. */
export function createCommunicationHandlers(
  config: CommunicationConfig,
  ports: CommunicationPorts,
): CommunicationHandlers {
  const circuit = (provider: Provider, options: Partial<CircuitOptions> = {}): Circuit =>
    createCircuit({
      provider,
      onChange: (state) => ports.onCircuit?.(provider, state),
      ...(ports.limiter && { limiter: ports.limiter }),
      ...options,
    });
  const policy = config.WEBHOOK_ALLOW_ADDRESSES ?? createAddressPolicy();
  const dispatcher = createGuardedAgent({ policy, connectTimeoutMs });
  const allowHttp = config.WEBHOOK_ALLOW_HTTP;
  const { suppressions, deliveries } = ports;

  const sendgrid = createSendgridMailer(
    createSendgridClient({
      apiKey: config.SENDGRID_API_KEY,
      baseUrl: config.SENDGRID_BASE_URL,
      timeoutMs: mailTimeoutMs,
    }),
    circuit('sendgrid'),
  );
  const smtp: SmtpMailer | null =
    config.SMTP_URL === undefined
      ? null
      : createSmtpMailer({ url: config.SMTP_URL, timeoutMs, circuit: circuit('smtp') });

  const twilio = createTwilioSender({
    accountSid: config.TWILIO_ACCOUNT_SID,
    authToken: config.TWILIO_AUTH_TOKEN,
    baseUrl: config.TWILIO_BASE_URL,
    statusCallbackUrl: config.TWILIO_STATUS_CALLBACK_URL,
    timeoutMs,
    circuit: circuit('twilio'),
  });

  const webPush = createWebPushSender({
    vapid: { publicKey: config.VAPID_PUBLIC_KEY, privateKey: config.VAPID_PRIVATE_KEY, subject: config.VAPID_SUBJECT },
    dispatcher,
    circuitOf: circuitsByOrigin(() => circuit('webpush', { pauseOnRateLimit: false })),
    timeoutMs,
    allowHttp,
  });
  const fcm = createFcmSender({
    account: config.FCM_SERVICE_ACCOUNT,
    baseUrl: config.FCM_BASE_URL,
    timeoutMs,
    circuit: circuit('fcm', { pauseOnRateLimit: false }),
  });

  return {
    handlers: {
      'send-email': sendEmail({
        mailer: smtp === null ? sendgrid : createFallbackMailer(sendgrid, smtp),
        suppressions,
        from: config.SENDGRID_FROM,
      }),
      'send-sms': sendSms({ sender: twilio, suppressions, from: config.TWILIO_FROM }),
      'send-push': sendPush({ webPush, fcm, suppressions }),
      'deliver-webhook': deliverWebhook({
        deliveries,
        post: createPoster({ dispatcher, allowHttp, timeoutMs }),
        ...(ports.onWebhookTry && { report: ports.onWebhookTry }),
      }),
    },
    async close() {
      smtp?.close();
      await dispatcher.close();
    },
  };
}
