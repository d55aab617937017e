import type { Reply } from '../http/request.ts';

/** An alert, by its `dedup_key`. */
export interface PagerDutyAlert {
  dedupKey: string;
  routingKey: string;
  status: 'triggered' | 'acknowledged' | 'resolved';
  summary: string;
  severity: string;
  source: string;
  details: unknown;
  /** Triggers that were grouped into it. */
  triggers: number;
  /** Epoch milliseconds. */
  at: number;
  resolvedAt: number | null;
}

export interface PagerDutyEvent {
  routing_key: string;
  event_action: 'trigger' | 'acknowledge' | 'resolve';
  dedup_key?: string;
  payload?: { summary: string; source: string; severity: string; custom_details?: unknown };
}

const ACTIONS = ['trigger', 'acknowledge', 'resolve'];
const SEVERITIES = ['critical', 'error', 'warning', 'info'];
const MAX_SUMMARY = 1024;
const MAX_DEDUP_KEY = 255;
const MAX_BYTES = 512 * 1024;

/** What is wrong with an event, in PagerDuty's manner. https://developer.pagerduty.com/docs/events-api-v2/trigger-events/ */
export function eventErrors(event: Record<string, unknown>, bytes: number): string[] {
  const errors: string[] = [];
  const routingKey = event['routing_key'];
  const action = event['event_action'];
  const dedupKey = event['dedup_key'];
  if (bytes > MAX_BYTES) errors.push('event is larger than 512 KB');
  if (typeof routingKey !== 'string' || !/^[A-Za-z0-9]{32}$/.test(routingKey))
    errors.push("'routing_key' is missing or not 32 characters long");
  if (!ACTIONS.includes(String(action)))
    errors.push("'event_action' must be one of 'trigger', 'acknowledge', 'resolve'");
  if (dedupKey !== undefined && (typeof dedupKey !== 'string' || dedupKey.length > MAX_DEDUP_KEY))
    errors.push("'dedup_key' is invalid (max 255 characters)");
  if (action !== 'trigger') {
    if (dedupKey === undefined) errors.push(`'dedup_key' is missing or blank for '${String(action)}'`);
    return errors;
  }
  const payload = event['payload'] as Record<string, unknown> | undefined;
  if (typeof payload !== 'object' || payload === null) return [...errors, "'payload' is missing or blank"];
  const { summary, source, severity } = payload;
  if (typeof summary !== 'string' || summary === '') errors.push("'payload.summary' is missing or blank");
  else if (summary.length > MAX_SUMMARY) errors.push("'payload.summary' is too long (max 1024 characters)");
  if (typeof source !== 'string' || source === '') errors.push("'payload.source' is missing or blank");
  if (!SEVERITIES.includes(String(severity)))
    errors.push(
      "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')",
    );
  return errors;
}

export function invalidEvent(errors: string[]): Reply {
  return { status: 400, body: { status: 'invalid event', message: 'Event object is invalid', errors } };
}

/** Applies an event to the alerts. A trigger of an open alert is grouped into it; a resolved one opens anew. */
export function applyEvent(alerts: PagerDutyAlert[], event: PagerDutyEvent, dedupKey: string, now: number): void {
  const open = alerts.findLast(
    (alert) => alert.dedupKey === dedupKey && alert.routingKey === event.routing_key && alert.status !== 'resolved',
  );
  if (event.event_action === 'trigger') {
    if (open) {
      open.triggers++;
      return;
    }
    alerts.push({
      dedupKey,
      routingKey: event.routing_key,
      status: 'triggered',
      summary: event.payload?.summary ?? '',
      severity: event.payload?.severity ?? '',
      source: event.payload?.source ?? '',
      details: event.payload?.custom_details ?? null,
      triggers: 1,
      at: now,
      resolvedAt: null,
    });
    return;
  }
  // PagerDuty takes an event for an alert it does not know, and drops it.
  if (!open) return;
  open.status = event.event_action === 'resolve' ? 'resolved' : 'acknowledged';
  if (event.event_action === 'resolve') open.resolvedAt = now;
}
