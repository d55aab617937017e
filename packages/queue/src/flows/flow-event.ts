import type { FlowRow, WebhookEvent } from '@queue-service/persistence';

/** What a tenant's endpoints hear of the end of a flow. */
export function flowEvent(flow: FlowRow, at: Date): WebhookEvent {
  const type = `flow.${flow.status}`;
  const { id, name, template, status, tenantId, error } = flow;
  return {
    tenantId,
    type,
    subjectId: id,
    webhookUrl: flow.webhookUrl,
    body: { type, timestamp: at.toISOString(), data: { id, name, template, status, tenantId, error } },
  };
}
