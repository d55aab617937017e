import type { BarChart, Chart, LineChart } from '../table.ts';

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Distinguishable also for the colour-blind: Okabe and Ito's palette. */
const palette = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#f0e442'];
const axis = '#9ca3af';
const grid = '#e5e7eb';
const ink = '#1f2937';

/** Draws a chart as vectors into the box. Returns where it ends: bars need not fill their box, lines do. */
export function drawChart(document: PDFKit.PDFDocument, chart: Chart, box: Box): number {
  document.font('Helvetica-Bold').fontSize(11).fillColor(ink).text(chart.title, box.x, box.y, { lineBreak: false });
  const inner = { ...box, y: box.y + 22, height: box.height - 22 };
  if (chart.kind === 'bars') return drawBars(document, chart, inner);
  drawLines(document, chart, inner);
  return box.y + box.height;
}

/** Horizontal, so that labels have room. The groups share the width and differ in scale. */
function drawBars(document: PDFKit.PDFDocument, chart: BarChart, box: Box): number {
  const labelWidth = chart.groups.length === 1 ? 170 : 60;
  const valueWidth = 80;
  const gap = 18;
  const width = (box.width - gap * (chart.groups.length - 1)) / chart.groups.length;
  let end = box.y;
  chart.groups.forEach((group, index) => {
    const left = box.x + index * (width + gap);
    document.font('Helvetica-Bold').fontSize(9).fillColor(ink).text(group.label, left, box.y, { lineBreak: false });
    const top = box.y + 16;
    const height = Math.min(26, (box.height - 16) / Math.max(1, group.bars.length));
    const room = Math.max(10, width - labelWidth - valueWidth);
    const values = group.bars.map((bar) => bar.value);
    const least = Math.min(0, ...values);
    const span = Math.max(0, ...values) - least || 1;
    const zero = left + labelWidth + (-least / span) * room;
    document.font('Helvetica').fontSize(8);
    group.bars.forEach((bar, place) => {
      const y = top + place * height;
      const length = (Math.abs(bar.value) / span) * room;
      document
        .fillColor(ink)
        .text(bar.label, left, y + height / 2 - 4, { width: labelWidth - 6, lineBreak: false, ellipsis: true });
      document.rect(bar.value < 0 ? zero - length : zero, y + 3, length, height - 6).fill(colour(place));
      const tip = bar.value < 0 ? zero : zero + length;
      document.fillColor(ink).text(bar.text, tip + 4, y + height / 2 - 4, { lineBreak: false });
    });
    document
      .moveTo(zero, top)
      .lineTo(zero, top + height * group.bars.length)
      .lineWidth(0.75)
      .stroke(axis);
    end = Math.max(end, top + height * group.bars.length);
  });
  return end;
}

function drawLines(document: PDFKit.PDFDocument, chart: LineChart, box: Box): void {
  const left = box.x + 44;
  const right = box.x + box.width - 8;
  const top = box.y + 18;
  const bottom = box.y + box.height - 18;
  const most = niceCeiling(Math.max(1, ...chart.lines.flatMap(({ values }) => values.map((value) => value ?? 0))));
  const yOf = (value: number) => bottom - (value / most) * (bottom - top);

  document.font('Helvetica').fontSize(8);
  for (let part = 0; part <= 4; part += 1) {
    const value = (most / 4) * part;
    document
      .moveTo(left, yOf(value))
      .lineTo(right, yOf(value))
      .lineWidth(0.5)
      .stroke(part === 0 ? axis : grid);
    document.fillColor(ink).text(String(value), box.x, yOf(value) - 4, { width: 38, align: 'right', lineBreak: false });
  }
  for (let part = 0; part <= 4; part += 1) {
    const time = new Date(chart.from.getTime() + ((chart.to.getTime() - chart.from.getTime()) / 4) * part);
    const x = left + ((right - left) / 4) * part;
    const label = time.toISOString().slice(0, 16).replace('T', ' ');
    const shift = part === 0 ? 0 : part === 4 ? 68 : 34;
    document.text(label, x - shift, bottom + 6, { lineBreak: false });
  }
  let legend = left;
  chart.lines.forEach(({ label, values }, index) => {
    document.rect(legend, box.y + 2, 8, 8).fill(colour(index));
    document.fillColor(ink).text(label, legend + 12, box.y + 2, { lineBreak: false });
    legend += 28 + document.widthOfString(label);
    const step = (right - left) / Math.max(1, values.length - 1);
    let open = false;
    values.forEach((value, place) => {
      if (value === null) {
        open = false;
        return;
      }
      const x = left + place * step;
      // A point with gaps on both sides would be a line of no length.
      if (open) document.lineTo(x, yOf(value));
      else document.moveTo(x - 0.5, yOf(value)).lineTo(x, yOf(value));
      open = true;
    });
    document.lineWidth(1.5).lineJoin('round').stroke(colour(index));
  });
}

function colour(index: number): string {
  return palette[index % palette.length] ?? ink;
}

/** The next of 4, 8, 20, 40, 80, 200 …: quarters of it are whole. */
function niceCeiling(value: number): number {
  for (let scale = 1; ; scale *= 10) {
    for (const step of [4, 8, 20]) if (step * scale >= value) return step * scale;
  }
}
