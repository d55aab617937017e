import { holds, type Line, mediansOf } from './compare.ts';

const short = (value: number) =>
  value.toLocaleString('en', { maximumFractionDigits: Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0 });

function figureOf({ figure, value, unit }: Line): string {
  if (figure === 'ratio') return value.toFixed(2);
  return figure === 'difference'
    ? `${value < 0 ? '−' : '+'}${short(Math.abs(value))} ${unit}`
    : `${short(value)} ${unit}`;
}

function barOf({ bar }: Line): string {
  if (bar === null) return '';
  return 'atLeast' in bar ? `≥ ${bar.atLeast}` : `≤ ${bar.atMost}`;
}

/** Markdown. */
export function tableOf(lines: readonly Line[]): string {
  const rows = lines.map((line) => {
    const medians = Object.entries(mediansOf(line)).map(([name, value]) => `${name} ${short(value)}`);
    const verdict = line.bar === null ? '' : holds(line) ? 'holds' : 'MISSED';
    return `| ${line.name} | ${medians.join(', ')} ${line.unit} | ${figureOf(line)} | ${barOf(line)} | ${verdict} |`;
  });
  return ['| what | medians | figure | bar | |', '|---|---|---|---|---|', ...rows].join('\n');
}

const [rowHeight, labelWidth, chartWidth] = [17, 380, 400];

/** A group of bars for each line, one bar a contestant, the longest as long as the chart is wide. */
export function chartOf(lines: readonly Line[]): string {
  let y = 8;
  const groups = lines.map((line) => {
    const medians = Object.entries(mediansOf(line));
    const most = Math.max(...medians.map(([, value]) => value), Number.MIN_VALUE);
    const title = `<text x="8" y="${y + 12}" font-weight="600">${escaped(line.name)} (${escaped(line.unit)}): ${escaped(figureOf(line))} ${escaped(barOf(line))}</text>`;
    y += rowHeight + 2;
    const bars = medians.map(([name, value], index) => {
      const width = Math.max(1, (value / most) * chartWidth);
      const colour = index > 0 ? '#94a3b8' : holds(line) ? '#2563eb' : '#dc2626';
      const bar = `<text x="${labelWidth - 8}" y="${y + 12}" text-anchor="end">${escaped(name)}</text><rect x="${labelWidth}" y="${y + 1}" width="${width.toFixed(1)}" height="13" fill="${colour}"/><text x="${(labelWidth + width + 6).toFixed(1)}" y="${y + 12}">${short(value)}</text>`;
      y += rowHeight;
      return bar;
    });
    y += 8;
    return title + bars.join('');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${labelWidth + chartWidth + 90} ${y}" font-family="system-ui, sans-serif" font-size="12"><title>The medians of each comparison</title><rect width="100%" height="100%" fill="#fff"/>${groups.join('')}</svg>\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
