import { z } from 'zod';
import { defineJob } from '../contract.ts';
import { emailSchema } from '../fields.ts';
import { instantSchema } from '../http/page.ts';

/** Writes a report to REPORT_STORAGE_URL; downloadable by the API. */
export const generateReport = defineJob({
  type: 'generate-report',
  queue: 'background',
  summary: 'Generate a report',
  version: 1,
  payload: z
    .strictObject({
      kind: z.enum(['settlement', 'dead-letters', 'queue-health']),
      from: instantSchema,
      to: instantSchema,
      format: z.enum(['csv', 'xlsx', 'pdf']),
      emailTo: emailSchema.optional(),
    })
    .refine((payload) => Date.parse(payload.from) < Date.parse(payload.to), {
      path: ['to'],
      error: 'is not after from',
    }),
  result: z.object({
    reportId: z.string(),
    kind: z.string(),
    from: z.iso.datetime(),
    to: z.iso.datetime(),
    rows: z.int(),
    bytes: z.int(),
    format: z.string(),
    url: z.string(),
  }),
  personalData: ['emailTo'],
  permanentFailures: ['storage_not_configured'],
  example: {
    payload: { kind: 'settlement', from: '2027-01-01T00:00:00Z', to: '2027-02-01T00:00:00Z', format: 'xlsx' },
    result: {
      reportId: '0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f',
      kind: 'settlement',
      from: '2027-01-01T00:00:00.000Z',
      to: '2027-02-01T00:00:00.000Z',
      rows: 812,
      bytes: 48_112,
      format: 'xlsx',
      url: '/api/v1/queue/reports/0197c9a0-7d3e-7c11-9d1a-0a1b2c3d4e5f',
    },
  },
});
