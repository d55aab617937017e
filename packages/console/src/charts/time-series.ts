import { scaleLinear, scaleTime } from 'd3-scale';
import { area, curveMonotoneX, line } from 'd3-shape';
import { type Html, html } from '../html.ts';

export interface Series {
  readonly name: string;
  /** A class of the style sheet, which gives the colour of the theme. */
  readonly className: string;
  readonly filled?: boolean;
  readonly points: readonly { readonly at: number; readonly value: number }[];
}

export interface TimeSeries {
  readonly title: string;
  readonly from: number;
  readonly to: number;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  /** The scale reaches at least to here, so that next to nothing looks like it. */
  readonly atLeast: number;
}

const width = 320;
const height = 110;
const margin = { top: 8, right: 15, bottom: 18, left: 44 };

/** A chart over time as SVG; what it shows is told in words too, for who cannot see it. */
export function timeSeries({ title, from, to, series, format, atLeast }: TimeSeries): Html {
  const highest = Math.max(0, ...series.flatMap(({ points }) => points.map(({ value }) => value)));
  const x = scaleTime([from, to], [margin.left, width - margin.right]);
  const y = scaleLinear([0, Math.max(highest, atLeast)], [height - margin.bottom, margin.top]).nice(3);
  const latest = series.map(({ name, points }) => `${name} ${format(points.at(-1)?.value ?? 0)}`).join(', ');
  return html`
    <figure class="chart">
      <figcaption>${title} ${series.length > 1 && series.map(legend)}</figcaption>
      <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title} over the last hour; now: ${latest}; at most ${format(highest)}">
        ${y.ticks(3).map(
          (tick) => html`
            <line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y(tick)}" y2="${y(tick)}"/>
            <text x="${margin.left - 6}" y="${y(tick) + 3}" text-anchor="end">${format(tick)}</text>`,
        )}
        ${x.ticks(4).map((tick) => html`<text x="${x(tick)}" y="${height - 4}" text-anchor="middle">${clock(tick)}</text>`)}
        ${series.map(({ points, className, filled }) => shape(points, className, filled === true))}
      </svg>
    </figure>`;

  function shape(points: Series['points'], className: string, filled: boolean): Html {
    const path = line<Series['points'][number]>()
      .x(({ at }) => x(at))
      .y(({ value }) => y(value))
      .curve(curveMonotoneX);
    const below = area<Series['points'][number]>()
      .x(({ at }) => x(at))
      .y0(y(0))
      .y1(({ value }) => y(value))
      .curve(curveMonotoneX);
    return html`
      ${filled && html`<path class="area ${className}" d="${below([...points]) ?? ''}"/>`}
      <path class="line ${className}" d="${path([...points]) ?? ''}"/>`;
  }
}

function legend({ name, className }: Series): Html {
  return html`<span class="legend ${className}">${name}</span>`;
}

function clock(date: Date): string {
  return date.toISOString().slice(11, 16);
}
