/** One message of a `text/event-stream`; what the sender left out is undefined. */
export interface StreamMessage {
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
  /** How long to wait before coming back, in milliseconds. */
  readonly retryMs: number | undefined;
}

/** A line's end; a carriage return that is the last so far may be the half of one. */
const lineEnd = /\r\n|\n|\r(?!$)/;

/** Messages as https://html.spec.whatwg.org/multipage/server-sent-events.html reads them, also those without data. */
export async function* readEventStream(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamMessage> {
  const decoder = new TextDecoder();
  let pending = '';
  let fields = new Map<string, string>();
  for await (const chunk of chunks) {
    pending += decoder.decode(chunk, { stream: true });
    for (let end = lineEnd.exec(pending); end !== null; end = lineEnd.exec(pending)) {
      const line = pending.slice(0, end.index);
      pending = pending.slice(end.index + end[0].length);
      if (line !== '') {
        addField(fields, line);
        continue;
      }
      if (fields.size > 0) yield messageOf(fields);
      fields = new Map();
    }
  }
}

function addField(fields: Map<string, string>, line: string): void {
  const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
  if (name === '') return;
  const before = name === 'data' ? fields.get(name) : undefined;
  fields.set(name, before === undefined ? value : `${before}\n${value}`);
}

function messageOf(fields: ReadonlyMap<string, string>): StreamMessage {
  const retry = fields.get('retry') ?? '';
  return {
    event: fields.get('event') ?? 'message',
    data: fields.get('data') ?? '',
    id: fields.get('id'),
    retryMs: /^\d+$/.test(retry) ? Number(retry) : undefined,
  };
}
