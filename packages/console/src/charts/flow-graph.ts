import dagre from '@dagrejs/dagre';
import type { FlowResource } from '@queue-service/client';
import { curveBumpY, line } from 'd3-shape';
import { type Html, html } from '../html.ts';

type Step = FlowResource['steps'][number];

const nodeWidth = 190;
const nodeHeight = 52;
/** A graph of more steps than that is no picture any more. */
const maxSteps = 150;
/** Layers that edges pass, in all: what the time of the layout follows, some 50 ms for these. */
const maxLayersPassed = 200;

/** A flow as layers of steps, each below those it waits for; undefined where it has too many to be drawn. */
export function flowGraph({ steps }: FlowResource): Html | undefined {
  if (steps.length > maxSteps || layersPassed(steps) > maxLayersPassed) return undefined;
  const graph = new dagre.graphlib.Graph<{ label: string }>();
  graph.setGraph({ rankdir: 'TB', nodesep: 28, ranksep: 52, marginx: 4, marginy: 4 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { name } of steps) graph.setNode(name, { width: nodeWidth, height: nodeHeight });
  for (const { name, dependsOn } of steps) for (const before of dependsOn) graph.setEdge(before, name);
  dagre.layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  const told = steps.map(({ name, status }) => `${name} ${status}`).join(', ');
  return html`
    <div class="graph" role="group" tabindex="0" aria-label="Steps: ${told}">
      <svg viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" aria-label="Graph of the flow" role="group">
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
            <path class="arrow" d="M0 0L8 4L0 8z"/>
          </marker>
        </defs>
        ${graph.edges().map((edge: { v: string; w: string }) => html`<path class="edge" marker-end="url(#arrow)" d="${pathBetween(graph.node(edge.v), graph.node(edge.w), graph.edge(edge) as { points?: Point[] })}"/>`)}
        ${steps.map((step) => node(step, graph.node(step.name) as unknown as Point))}
      </svg>
    </div>`;
}

/** Each edge counts the layers between its ends; steps come after those they wait for, as the plan has checked. */
function layersPassed(steps: readonly Step[]): number {
  const layers = new Map<string, number>();
  let open = [...steps];
  while (open.length > 0) {
    const waiting = open.filter(({ name, dependsOn }) => {
      if (!dependsOn.every((before) => layers.has(before))) return true;
      layers.set(name, Math.max(0, ...dependsOn.map((before) => (layers.get(before) ?? 0) + 1)));
      return false;
    });
    if (waiting.length === open.length) return Number.POSITIVE_INFINITY;
    open = waiting;
  }
  const layer = (name: string) => layers.get(name) ?? 0;
  return steps.reduce(
    (sum, { name, dependsOn }) => dependsOn.reduce((passed, before) => passed + layer(name) - layer(before), sum),
    0,
  );
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Out of the bottom of a step, around those that it passes, into the top of the next. */
function pathBetween(from: Point, to: Point, { points = [] }: { points?: Point[] }): string {
  const start = { x: from.x, y: from.y + nodeHeight / 2 };
  const end = { x: to.x, y: to.y - nodeHeight / 2 };
  // Between layers that touch there is nothing to go around.
  const around = points.length > 3 ? points.slice(1, -1) : [];
  return bump([start, ...around, end]) ?? '';
}

const bump = line<Point>()
  .x(({ x }) => round(x))
  .y(({ y }) => round(y))
  .curve(curveBumpY);

function node(step: Step, { x, y }: Point): Html {
  const { name, type, status, attempts, jobId } = step;
  const shown = html`
    <g class="node ${status}" transform="translate(${round(x - nodeWidth / 2)} ${round(y - nodeHeight / 2)})">
      <rect width="${nodeWidth}" height="${nodeHeight}" rx="8"/>
      <text x="12" y="22">${mark(status)} ${clipped(name)}</text>
      <text class="sub" x="12" y="40">${clipped(type)} · ${status}${attempts > 1 && ` (${attempts})`}</text>
      <title>${name}: ${type}, ${status}</title>
    </g>`;
  return jobId === null
    ? shown
    : html`<a href="/admin/jobs/${jobId}" aria-label="${name}: ${type}, ${status}">${shown}</a>`;
}

const marks: Readonly<Record<Step['status'], string>> = {
  waiting: '…',
  pending: '○',
  processing: '◐',
  settling: '◌',
  completed: '✓',
  failed: '✗',
  skipped: '–',
  cancelled: '⊘',
};

function mark(status: Step['status']): string {
  return marks[status];
}

function clipped(text: string): string {
  return text.length > 22 ? `${text.slice(0, 21)}…` : text;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
