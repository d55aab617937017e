import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { type AlertCase, alertCases } from './alerts/cases.ts';
import { ofKind } from './manifests/manifest.ts';
import { renderChart } from './manifests/render.ts';
import { root } from './tools/paths.ts';
import { promtool } from './tools/promtool.ts';
import { type Ran, run } from './tools/run.ts';

interface Rule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
interface RuleGroups {
  groups: { name: string; rules: Rule[] }[];
}

let program: string;
let folder: string;
let groups: RuleGroups;
/** Whether all cases held in one run of the program; each is run alone only to tell which does not. */
let allHold: boolean;
const rules = () => groups.groups.flatMap((group) => group.rules);

beforeAll(async () => {
  program = await promtool(process.env);
  folder = await mkdtemp(join(tmpdir(), 'queue-service-alerts-'));
  const [rule] = ofKind(await renderChart('helm4', ['-f', 'ci/production-values.yaml']), 'PrometheusRule');
  groups = rule?.spec as unknown as RuleGroups;
  await writeFile(join(folder, 'rules.yaml'), stringify(groups));
  allHold = (await runTests('all', alertCases.map(unitTest))).code === 0;
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

function unitTest({ alert, series, at, firing }: AlertCase): object {
  return {
    interval: '1m',
    input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
        eval_time: at,
        exp_samples: firing === 0 ? [] : [{ labels: '{}', value: firing }],
      },
    ],
  };
}

async function runTests(name: string, tests: object[]): Promise<Ran> {
  const file = join(folder, `${name}.test.yaml`);
  await writeFile(file, stringify({ rule_files: ['rules.yaml'], evaluation_interval: '1m', tests }));
  return run(program, ['test', 'rules', file]);
}

test('the rules are valid', async () => {
  const { code, stdout, stderr } = await run(program, ['check', 'rules', join(folder, 'rules.yaml')]);
  expect(code, stdout + stderr).toBe(0);
});

test.each(alertCases.map((one) => [one.title, one] as const))('%s', async (_title, one) => {
  if (allHold) return;
  const { code, stdout, stderr } = await runTests(`${alertCases.indexOf(one)}`, [unitTest(one)]);
  expect(code, stdout + stderr).toBe(0);
});

test('what an alert says names the queue and the age', async () => {
  const expected = {
    exp_labels: { queue: 'background', severity: 'warn' },
    exp_annotations: {
      summary: 'Jobs of background wait',
      description: 'The oldest background job has been due for 1h 6m 40s.',
      runbook_url: 'https://example.com/queue-service/docs/runbooks/jobs-wait.md',
    },
  };
  const tests = [
    {
      interval: '1m',
      input_series: [
        { series: 'queue_service_queue_oldest_waiting_age_seconds{queue="background"}', values: '4000x20' },
      ],
      alert_rule_test: [{ alertname: 'QueueServiceJobsWait', eval_time: '10m', exp_alerts: [expected] }],
    },
  ];
  const { code, stdout, stderr } = await runTests('annotations', tests);
  expect(code, stdout + stderr).toBe(0);
});

describe('every alert', () => {
  test('is tried out both ways', () => {
    const names = (firing: boolean) =>
      new Set(alertCases.filter((one) => one.firing > 0 === firing).map(({ alert }) => alert));
    const all = new Set(rules().map(({ alert }) => alert));
    expect(names(true)).toEqual(all);
    expect(names(false)).toEqual(all);
  });

  test('has a severity, a summary, and a runbook that is there', async () => {
    const runbooks = await readdir(join(root, 'docs/runbooks'));
    for (const { alert, labels, annotations } of rules()) {
      expect(labels['severity'], alert).toMatch(/^(page|warn)$/);
      expect(annotations['summary'], alert).not.toBe('');
      expect(runbooks, alert).toContain(annotations['runbook_url']?.split('/').at(-1));
    }
  });
});
