import { describe, expect, test } from 'vitest';
import { ofKind } from './manifests/manifest.ts';
import { renderChart } from './manifests/render.ts';
import { knownSeries } from './promql/known-metrics.ts';
import { readQuery } from './promql/metrics-in.ts';

interface Dashboard {
  uid: string;
  title: string;
  panels: { id: number; title: string; targets: { expr: string }[]; gridPos: { x: number; w: number } }[];
}

const rendered = await renderChart('helm4', ['-f', 'ci/production-values.yaml']);
const dashboards = ofKind(rendered, 'ConfigMap')
  .filter(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1')
  .flatMap(({ data = {} }) => Object.values(data).map((text) => JSON.parse(text) as Dashboard));
const panels = dashboards.flatMap(({ title, panels: list }) =>
  list.map((panel) => ({ where: `${title}: ${panel.title}`, ...panel })),
);

const ruleQueries = ofKind(rendered, 'PrometheusRule').flatMap(({ spec }) =>
  (spec as unknown as { groups: { rules: { alert: string; expr: string }[] }[] }).groups.flatMap(({ rules }) =>
    rules.map(({ alert, expr }): [string, string] => [alert, expr]),
  ),
);
const scalerQueries = ofKind(rendered, 'ScaledObject').flatMap(({ metadata, spec }) =>
  (spec as unknown as { triggers: { name: string; metadata: { query: string } }[] }).triggers.map(
    ({ name, metadata: { query } }): [string, string] => [`${metadata.name} ${name}`, query],
  ),
);
const panelQueries = panels.flatMap(({ where, targets }) => targets.map(({ expr }): [string, string] => [where, expr]));

describe.each([
  ['alert', ruleQueries],
  ['scaler', scalerQueries],
  ['panel', panelQueries],
])('each query of an %s', (_kind, queries) => {
  const series = knownSeries();

  test('is there', () => expect(queries.length).toBeGreaterThan(5));

  test.each(queries)('%s', (_where, query) => {
    const { errors, metrics, labels } = readQuery(query);
    expect(errors).toEqual([]);
    expect(metrics.length).toBeGreaterThan(0);
    for (const metric of metrics) expect([...series.keys()], `${metric} is shown by no process`).toContain(metric);
    const known = new Set(metrics.flatMap((metric) => [...(series.get(metric) ?? [])]));
    for (const label of labels) expect([...known], `no metric of the query has the label ${label}`).toContain(label);
  });
});

test('every metric of the service is looked at by a panel or an alert', () => {
  const looked = new Set([...ruleQueries, ...panelQueries].flatMap(([, query]) => readQuery(query).metrics));
  const own = [...knownSeries().keys()].filter(
    (name) => /^queue_service_/.test(name) && !/_(bucket|sum|count)$/.test(name),
  );
  const unseen = own.filter((name) => !['', '_bucket', '_sum', '_count'].some((suffix) => looked.has(name + suffix)));
  expect(unseen).toEqual([]);
});

describe('dashboards', () => {
  test('are three, each with an address of its own', () => {
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(3);
  });

  test('have panels with distinct ids that fit side by side', () => {
    for (const { panels: list } of dashboards) {
      expect(new Set(list.map(({ id }) => id)).size).toBe(list.length);
      for (const { gridPos } of list) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
    }
  });
});

test('a wrong query is seen', () => {
  expect(readQuery('sum by (queue (x)').errors).not.toEqual([]);
  expect(readQuery('rate(x{a="b"}[$__rate_interval])')).toEqual({ errors: [], metrics: ['x'], labels: ['a'] });
});
