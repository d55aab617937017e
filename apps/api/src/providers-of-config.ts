import { createAddressPolicy } from '@queue-service/outbound';
import type { ApiConfig } from './config.ts';
import type { OperatorParts } from './routes/operator.ts';

type OfProviders = Pick<
  OperatorParts,
  'stripeWebhookSecrets' | 'sendgridPublicKey' | 'twilioWebhook' | 'endpointRules'
>;

/** By what providers are known when they call, and where tenants may be called. */
export function providersOf(config: ApiConfig): OfProviders {
  const { TWILIO_AUTH_TOKEN: authToken, TWILIO_STATUS_CALLBACK_URL: callbackUrl } = config;
  return {
    stripeWebhookSecrets: config.STRIPE_WEBHOOK_SECRET,
    sendgridPublicKey: config.SENDGRID_WEBHOOK_PUBLIC_KEY,
    twilioWebhook: authToken === undefined || callbackUrl === undefined ? undefined : { authToken, callbackUrl },
    endpointRules: {
      policy: config.WEBHOOK_ALLOW_ADDRESSES ?? createAddressPolicy(),
      allowHttp: config.WEBHOOK_ALLOW_HTTP,
    },
  };
}
