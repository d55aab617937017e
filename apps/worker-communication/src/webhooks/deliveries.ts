import type { Secret } from '@queue-service/observability';

/** One event for one address, as it lies in the books. */
export interface Delivery {
  id: string;
  tenantId: string;
  url: string;
  /** JSON text, the same on every try: it is what is signed. */
  body: string;
  /**
   * Standard Webhooks secrets (`whsec_…`) that are live now; the newest first, more than one while a secret is rotated.
   * The endpoint's, or the tenant's own for a job's `webhookUrl`.
   */
  secrets: readonly Secret[];
  /** Null for a job's own `webhookUrl`. */
  endpoint: {
    id: string;
    active: boolean /** First failure since the last success. */;
    failingSince: Date | null;
  } | null;
  /** The success that is already booked: this run is a duplicate. A replay clears it. */
  delivered: { statusCode: number; durationMs: number } | null;
}

/** One try, as it is shown to the tenant. */
export interface DeliveryAttempt {
  at: Date;
  durationMs: number;
  /** Null when no answer came. */
  statusCode: number | null;
  error: { code: string; message: string } | null;
}

/** What the other endpoints of a tenant are told when one is switched off. */
export interface EndpointDisabledNotice {
  type: 'webhook_endpoint.disabled';
  timestamp: string;
  data: { endpointId: string; url: string; reason: EndpointDisabledReason; failingSince: string | null };
}

/** `gone`: it answered 410. `failing`: nothing was delivered for days. */
export type EndpointDisabledReason = 'gone' | 'failing';

/** The books of what is told to tenants. Each call is one transaction. */
export interface Deliveries {
  load(deliveryId: string): Promise<Delivery | null>;
  /** Books a try that arrived: the delivery is over, its endpoint is well. */
  succeed(deliveryId: string, attempt: DeliveryAttempt): Promise<void>;
  /**
   * Books a try that failed, and from when the endpoint fails unless it did already.
   * @param final no more tries follow
   */
  fail(deliveryId: string, attempt: DeliveryAttempt, final: boolean): Promise<void>;
  /** Switches an endpoint off and passes the notice on; nothing when it is off already. */
  disableEndpoint(endpointId: string, reason: EndpointDisabledReason, notice: EndpointDisabledNotice): Promise<void>;
}
