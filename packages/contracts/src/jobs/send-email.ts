import { z } from 'zod';
import { defineJob } from '../contract.ts';
import { emailSchema, jsonObjectSchema } from '../fields.ts';

const recipients = z.union([emailSchema, z.array(emailSchema).min(1).max(100)]);

/**
 * Content of all attachments of a mail. In Base64 and with a text beside it that fits into the 1 MiB that the API takes as
 * a body: larger files belong behind a link, not into Redis.
 */
export const maxAttachmentBytes = 700 * 1024;

const attachment = z.strictObject({
  filename: z.string().min(1).max(255),
  contentType: z
    .string()
    .regex(/^[\w.+-]+\/[\w.+-]+$/, 'is not a media type such as application/pdf')
    .optional(),
  content: z.base64().min(1).describe('Base64'),
  disposition: z.enum(['attachment', 'inline']).optional(),
  contentId: z.string().min(1).max(255).optional(),
});

/** One mail, from a dynamic template or with its own content. */
export const sendEmail = defineJob({
  type: 'send-email',
  queue: 'communication',
  summary: 'Send a mail',
  version: 1,
  payload: z
    .strictObject({
      to: recipients,
      cc: recipients.optional(),
      bcc: recipients.optional(),
      replyTo: emailSchema.optional(),
      templateId: z.string().min(1).max(255).optional(),
      templateData: jsonObjectSchema.optional(),
      subject: z.string().min(1).max(998).optional(),
      html: z.string().min(1).max(1_000_000).optional(),
      text: z.string().min(1).max(1_000_000).optional(),
      attachments: z
        .array(attachment)
        .max(20)
        .refine(
          (files) => files.reduce((sum, file) => sum + (file.content.length * 3) / 4, 0) <= maxAttachmentBytes,
          'are larger than 700 KiB together',
        )
        .describe('Together at most 700 KiB, before Base64')
        .optional(),
      categories: z.array(z.string().min(1).max(255)).max(10).optional(),
      sandbox: z.boolean().optional().describe("SendGrid's sandbox mode: checked by the provider, not sent"),
      delivery: z
        .enum(['at_least_once', 'at_most_once'])
        .optional()
        .describe('at_most_once: when the outcome is unknown the mail is not repeated but dead-lettered'),
    })
    .refine(
      (mail) => mail.templateId !== undefined || (mail.subject !== undefined && (mail.html ?? mail.text) !== undefined),
      {
        path: ['templateId'],
        error: 'templateId, or subject with html or text, is required',
      },
    ),
  result: z.object({
    messageId: z.string().nullable(),
    accepted: z.int().describe('Recipients handed to the provider'),
    provider: z.string(),
    suppressed: z.boolean(),
    suppressedReason: z.string().nullable(),
  }),
  personalData: [
    'to',
    'cc',
    'bcc',
    'replyTo',
    'templateData.*',
    'subject',
    'html',
    'text',
    'attachments.*.content',
    'attachments.*.filename',
  ],
  permanentFailures: ['invalid_request', 'provider_authentication_failed', 'message_too_large', 'outcome_unknown'],
  example: {
    payload: {
      to: 'ada@example.com',
      templateId: 'd-0123456789abcdef0123456789abcdef',
      templateData: { name: 'Ada', event: 'Open Air 2027' },
      categories: ['ticket'],
    },
    result: {
      messageId: '14c5d75ce93.dfd.64b469',
      accepted: 1,
      provider: 'sendgrid',
      suppressed: false,
      suppressedReason: null,
    },
  },
});
