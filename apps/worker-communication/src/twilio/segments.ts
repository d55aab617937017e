import { SegmentedMessage } from 'sms-segments-calculator';

/** The parts a text is billed as: 160 or 153 characters each in GSM-7, 70 or 67 in UCS-2. */
export function countSegments(body: string): number {
  return new SegmentedMessage(body).segmentsCount;
}
