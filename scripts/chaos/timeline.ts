/** Something that happened in a run. */
export interface Happening {
  /** Milliseconds since the run began. */
  atMs: number;
  /** How long it lasted, in milliseconds; 0 for a moment. */
  lastedMs: number;
  /** Whom it befell: the name of a process or server. */
  whom: string;
  what: string;
}

/** A count of work, seen from time to time. */
export interface Progress {
  atMs: number;
  acknowledged: number;
  /** Money jobs in the ledger that have not ended. */
  unfinished: number;
}

export interface Timeline {
  readonly happenings: readonly Happening[];
  readonly progress: readonly Progress[];
  /** Notes a moment; call the answer when it is over. */
  note(whom: string, what: string): () => void;
  count(progress: Omit<Progress, 'atMs'>): void;
}

export function createTimeline(now: () => number = () => performance.now()): Timeline {
  const startedAt = now();
  const happenings: Happening[] = [];
  const progress: Progress[] = [];
  return {
    happenings,
    progress,
    note: (whom, what) => {
      const happening: Happening = { atMs: now() - startedAt, lastedMs: 0, whom, what };
      happenings.push(happening);
      return () => {
        happening.lastedMs = now() - startedAt - happening.atMs;
      };
    },
    count: (counted) => progress.push({ atMs: now() - startedAt, ...counted }),
  };
}

const rowHeight = 22;
const left = 190;
const width = 1_200;
const graphHeight = 120;

/** One HTML page: a row for each process and server, what befell it, and below it how the work went on meanwhile. */
export function timelineHtml(title: string, { happenings, progress }: Timeline, summary: readonly string[]): string {
  const whom = [...new Set(happenings.map((happening) => happening.whom))].toSorted();
  const endMs = Math.max(1, ...happenings.map((one) => one.atMs + one.lastedMs), ...progress.map((one) => one.atMs));
  const x = (atMs: number) => left + (atMs / endMs) * width;
  const graphTop = whom.length * rowHeight + 50;
  const height = graphTop + graphHeight + 40;
  const rows = whom.map((name, index) => {
    const y = index * rowHeight + 20;
    const marks = happenings
      .filter((happening) => happening.whom === name)
      .map((happening) => {
        const wide = Math.max(3, (happening.lastedMs / endMs) * width);
        const seconds = (happening.atMs / 1_000).toFixed(1);
        const lasted = happening.lastedMs === 0 ? '' : `, for ${(happening.lastedMs / 1_000).toFixed(1)} s`;
        return (
          `<rect class="mark" x="${x(happening.atMs).toFixed(1)}" y="${y + 3}" width="${wide.toFixed(1)}" height="${rowHeight - 8}" fill="${colourOf(happening.what)}">` +
          `<title>${escapeHtml(`${seconds} s ${name}: ${happening.what}${lasted}`)}</title></rect>`
        );
      });
    return `<text x="8" y="${y + 15}">${escapeHtml(name)}</text><line x1="${left}" x2="${left + width}" y1="${y + rowHeight - 2}" y2="${y + rowHeight - 2}"/>${marks.join('')}`;
  });
  const most = Math.max(1, ...progress.flatMap((one) => [one.acknowledged, one.unfinished]));
  const line = (of: (one: Progress) => number, colour: string) =>
    `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${progress
      .map((one) => `${x(one.atMs).toFixed(1)},${(graphTop + graphHeight * (1 - of(one) / most)).toFixed(1)}`)
      .join(' ')}"/>`;
  const ticks = Array.from({ length: 11 }, (_, index) => {
    const atMs = (endMs * index) / 10;
    return `<text class="tick" x="${x(atMs).toFixed(1)}" y="${height - 8}">${(atMs / 1_000).toFixed(0)} s</text>`;
  });
  const list = happenings.map(
    (one) =>
      `<tr><td>${(one.atMs / 1_000).toFixed(1)}</td><td>${escapeHtml(one.whom)}</td><td>${escapeHtml(one.what)}</td><td>${one.lastedMs === 0 ? '' : (one.lastedMs / 1_000).toFixed(1)}</td></tr>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>${escapeHtml(title)}</title>
<style>
body { font: 14px system-ui, sans-serif; margin: 1.5rem; color-scheme: light dark; }
svg { max-width: 100%; height: auto; } svg text { font-size: 12px; fill: currentColor; } svg line { stroke: currentColor; opacity: .2; }
.tick { text-anchor: middle; } table { border-collapse: collapse; } td, th { padding: .1rem .8rem .1rem 0; text-align: left; }
</style>
<h1>${escapeHtml(title)}</h1>
<ul>${summary.map((text) => `<li>${escapeHtml(text)}</li>`).join('')}</ul>
<svg viewBox="0 0 ${left + width + 20} ${height}" role="img" aria-label="Faults over time and the work going on">
${rows.join('\n')}
<text x="8" y="${graphTop + 14}">acknowledged (blue)</text><text x="8" y="${graphTop + 32}">unfinished (red)</text><text x="8" y="${graphTop + 50}">top: ${most}</text>
${line((one) => one.acknowledged, '#2563eb')}${line((one) => one.unfinished, '#dc2626')}
${ticks.join('')}
</svg>
<h2>Faults</h2>
<table><tr><th>at s</th><th>whom</th><th>what</th><th>for s</th></tr>${list.join('')}</table>
</html>
`;
}

function colourOf(what: string): string {
  if (/kill|dies|without its data|FLUSHALL/.test(what)) return '#dc2626';
  if (/freez|away|slow/.test(what)) return '#d97706';
  if (/deploy|restart/.test(what)) return '#059669';
  return '#7c3aed';
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[char] ?? char);
}
