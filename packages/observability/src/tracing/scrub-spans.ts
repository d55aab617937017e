import type { Attributes, AttributeValue } from '@opentelemetry/api';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';
import { maskText } from '../logger/mask.ts';

/** Attributes with a URL or its query, old and new names. https://opentelemetry.io/docs/specs/semconv/http/http-spans/ */
const URL_ATTRIBUTES = new Set(['url.full', 'url.query', 'http.url', 'http.target']);

/**
 * An exporter that sends spans without secrets and personal data: URLs lose their query (Twilio is asked by `?To=+1555…`, Solana RPC
 * providers take their key there), every other text is masked as a log line is.
 */
export function scrubbing(exporter: SpanExporter): SpanExporter {
  return {
    export: (spans, done) => exporter.export(spans.map(scrubbed), done),
    shutdown: () => exporter.shutdown(),
    forceFlush: async () => exporter.forceFlush?.(),
  };
}

/** Written out field by field, because a span's fields are getters, which a spread would lose. */
function scrubbed(span: ReadableSpan): ReadableSpan {
  return {
    name: maskText(span.name),
    kind: span.kind,
    spanContext: () => span.spanContext(),
    ...(span.parentSpanContext && { parentSpanContext: span.parentSpanContext }),
    startTime: span.startTime,
    endTime: span.endTime,
    status: span.status.message ? { ...span.status, message: maskText(span.status.message) } : span.status,
    attributes: withoutSecrets(span.attributes),
    links: span.links,
    events: span.events.map((event) =>
      event.attributes ? { ...event, attributes: withoutSecrets(event.attributes) } : event,
    ),
    duration: span.duration,
    ended: span.ended,
    resource: span.resource,
    instrumentationScope: span.instrumentationScope,
    droppedAttributesCount: span.droppedAttributesCount,
    droppedEventsCount: span.droppedEventsCount,
    droppedLinksCount: span.droppedLinksCount,
  };
}

function withoutSecrets(attributes: Attributes): Attributes {
  const clean: Attributes = {};
  for (const [name, value] of Object.entries(attributes)) {
    clean[name] = URL_ATTRIBUTES.has(name) ? withoutQuery(name, value) : masked(value);
  }
  return clean;
}

function withoutQuery(name: string, value: AttributeValue | undefined): AttributeValue | undefined {
  if (name === 'url.query') return '';
  return typeof value === 'string' ? maskText(value.split('?')[0] ?? '') : value;
}

function masked(value: AttributeValue | undefined): AttributeValue | undefined {
  if (typeof value === 'string') return maskText(value);
  if (!Array.isArray(value)) return value;
  const texts = value.filter((item) => typeof item === 'string');
  return texts.length > 0 ? texts.map(maskText) : value;
}
