import type { z } from 'zod';
import type { JobContract } from './contract.ts';
import { analyticsTrack } from './jobs/analytics-track.ts';
import { cleanupOldData } from './jobs/cleanup-old-data.ts';
import { deliverWebhook } from './jobs/deliver-webhook.ts';
import { generateReport } from './jobs/generate-report.ts';
import { nftMint } from './jobs/nft-mint.ts';
import { paymentProcess } from './jobs/payment-process.ts';
import { payoutProcess } from './jobs/payout-process.ts';
import { reconcileBooks } from './jobs/reconcile-books.ts';
import { refundProcess } from './jobs/refund-process.ts';
import { sendEmail } from './jobs/send-email.ts';
import { sendPush } from './jobs/send-push.ts';
import { sendSms } from './jobs/send-sms.ts';
import type { QueueName } from './queues.ts';

/** Every job type there is. What is not here can neither be enqueued nor handled. */
export const contracts = {
  'payment-process': paymentProcess,
  'refund-process': refundProcess,
  'payout-process': payoutProcess,
  'nft-mint': nftMint,
  'reconcile-books': reconcileBooks,
  'send-email': sendEmail,
  'send-sms': sendSms,
  'send-push': sendPush,
  'deliver-webhook': deliverWebhook,
  'analytics-track': analyticsTrack,
  'cleanup-old-data': cleanupOldData,
  'generate-report': generateReport,
} as const;

export type JobType = keyof typeof contracts;
/** A payload after validation: defaults are filled in. */
export type JobPayload<Type extends JobType> = z.output<(typeof contracts)[Type]['payload']>;
/** A payload as a producer writes it. */
export type JobInput<Type extends JobType> = z.input<(typeof contracts)[Type]['payload']>;
export type JobResult<Type extends JobType> = z.output<(typeof contracts)[Type]['result']>;
/** The job types of one queue. */
export type JobTypeOf<Queue extends QueueName> = {
  [Type in JobType]: (typeof contracts)[Type]['queue'] extends Queue ? Type : never;
}[JobType];

export const jobTypes = Object.keys(contracts) as JobType[];

export function isJobType(value: string): value is JobType {
  return Object.hasOwn(contracts, value);
}

/** The contract of a type, in its general shape. */
export function contractOf(type: JobType): JobContract<JobType> {
  return contracts[type] as unknown as JobContract<JobType>;
}

export function jobTypesOf(queue: QueueName): JobType[] {
  return jobTypes.filter((type) => contracts[type].queue === queue);
}
