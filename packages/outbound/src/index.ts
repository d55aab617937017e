export * from './address-policy.ts';
export { outboundConfig } from './config.ts';
export * from './endpoint-url.ts';
export { newWebhookSecret } from './webhook-secret.ts';
