import type { Handlers, Runtime } from '@queue-service/queue';
import type { ReportStorage } from '@queue-service/report-storage';
import { createAnalyticsTrack } from './jobs/analytics-track.ts';
import { createCleanupOldData } from './jobs/cleanup-old-data.ts';
import { createGenerateReport } from './jobs/generate-report.ts';
import type { Segment } from './segment/segment.ts';
import { waitsForStores } from './store-outage.ts';

export interface BackgroundParts {
  runtime: Runtime;
  segment: Segment;
  /** Null where REPORT_STORAGE_URL is not set: reports are refused then. */
  storage: ReportStorage | null;
  /** Where the API is reached from outside; null: mails hold the path alone. */
  publicUrl: string | null;
}

/** The handlers of the background fleet. */
export function createBackgroundHandlers(parts: BackgroundParts): Handlers<'background'> {
  return {
    'analytics-track': createAnalyticsTrack(parts),
    'cleanup-old-data': waitsForStores(createCleanupOldData(parts)),
    'generate-report': waitsForStores(createGenerateReport(parts)),
  };
}
