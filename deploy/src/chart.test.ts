import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { componentOf, containersOf, ofKind, podOf } from './manifests/manifest.ts';
import { problemsOf } from './manifests/problems.ts';
import { helm, renderChart } from './manifests/render.ts';
import { helmMajors, kubernetesPrograms } from './tools/kubernetes-programs.ts';
import { chart } from './tools/paths.ts';

const valuesFiles = readdirSync(join(chart, 'ci')).map((file) => `ci/${file}`);

// The first run fetches them.
beforeAll(() => Promise.all(helmMajors.map(kubernetesPrograms)), 300_000);

describe.each(valuesFiles)('%s', (file) => {
  test.each(helmMajors)('passes lint by %s', async (major) => {
    const { code, stdout, stderr } = await helm(major, ['lint', '--strict', '.', '-f', file]);
    expect(code, stdout + stderr).toBe(0);
  });

  test.each([
    ['install', []],
    ['upgrade', ['--is-upgrade']],
  ])('renders manifests without a problem for %s, the same by both majors of Helm', async (_what, args) => {
    const [three = [], four = []] = await Promise.all(
      helmMajors.map((major) => renderChart(major, ['-f', file, ...args])),
    );
    expect(problemsOf(three)).toEqual([]);
    expect(ofKind(three, 'Deployment').length).toBeGreaterThanOrEqual(4);
    const byName = (list: typeof three) =>
      list.toSorted((a, b) => `${a.kind}${a.metadata.name}`.localeCompare(`${b.kind}${b.metadata.name}`));
    expect(byName(four)).toEqual(byName(three));
  });
});

test.each(helmMajors)('a cluster that is too old is refused by %s', async (major) => {
  await expect(renderChart(major, ['--kube-version', '1.29.0'])).rejects.toThrow(/1\.30/);
});

test('the notes of an installation say what to do next', async () => {
  const { code, stdout } = await helm('helm4', ['install', 'q', '.', '--dry-run=client', '-f', 'ci/trial-values.yaml']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/helm -n \S+ test q[\s\S]*port-forward[\s\S]*WARNING: bundled stores/);
});

describe('values that are refused', () => {
  const refused: [string, string, RegExp][] = [
    ['a misspelt key', 'workers.money.replicaCuont=3', /replicaCuont/],
    ['a misspelt key at the top', 'worker.money.replicaCount=3', /worker/],
    ['a number as text', 'workers.money.concurrency=many', /concurrency/],
    ['a negative number', 'api.replicaCount=-1', /replicaCount/],
    ['the tag latest', 'image.tag=latest', /tag/],
    ['a digest that is none', 'image.digest=sha256:abc', /digest/],
    ['a secret among the configuration', 'config.STRIPE_SECRET_KEY=x', /STRIPE_SECRET_KEY|config/],
    ['a variable that the chart sets itself', 'workers.money.config.SHUTDOWN_GRACE_MS=x', /SHUTDOWN_GRACE_MS|config/],
    [
      'a money key in the Secret of another fleet',
      'secrets.values.communication.STRIPE_SECRET_KEY=x',
      /STRIPE_SECRET_KEY/,
    ],
    ['a fleet without a queue', 'workers.extra.concurrency=5', /queue/],
    ['an unknown kind of scaling', 'api.autoscaling.type=magic', /type/],
    ['a password that would break a URL', 'bundled.password=p@ss/word', /password/],
    [
      'money scaled to zero',
      'workers.money.autoscaling.type=keda,workers.money.autoscaling.minReplicas=0',
      /only a background fleet/,
    ],
    [
      'zero without KEDA',
      'workers.background.autoscaling.type=hpa,workers.background.autoscaling.minReplicas=0',
      /only a background fleet/,
    ],
    [
      'more than the most',
      'api.autoscaling.type=hpa,api.autoscaling.minReplicas=9,api.autoscaling.maxReplicas=3',
      /maxReplicas/,
    ],
    ['KEDA for what has no queue', 'api.autoscaling.type=keda', /use hpa/],
    [
      'KEDA on Redis without an address',
      'workers.money.autoscaling.type=keda,workers.money.autoscaling.keda.trigger=redis',
      /keda\.redis\.addresses\.money/,
    ],
    ['a grace that its margins use up', 'scheduler.terminationGracePeriodSeconds=15', /terminationGracePeriodSeconds/],
    ['bundled stores without a password', 'bundled.redis.enabled=true', /bundled\.password/],
    [
      'a hook for a database of the same release',
      'bundled.postgresql.enabled=true,bundled.password=aaaabbbbcccc,migrations.mode=hook',
      /migrations\.mode/,
    ],
    ['created Secrets without the keys', 'secrets.mode=create', /secrets\.values\.\w+\.\w+: must be set/],
    ['External Secrets without a store', 'secrets.mode=externalSecrets', /storeRef\.name/],
    [
      'a variable given twice',
      'scheduler.extraEnv[0].name=DATABASE_URL,scheduler.extraEnv[0].value=x',
      /DATABASE_URL is set by the chart/,
    ],
    ['an Ingress for every host', 'ingress.enabled=true', /ingress\.hosts/],
    ['a route without a Gateway', 'httpRoute.enabled=true', /httpRoute\.parentRefs/],
  ];

  test.each(refused)('%s', async (_what, set, message) => {
    await Promise.all(helmMajors.map((major) => expect(renderChart(major, ['--set', set])).rejects.toThrow(message)));
  });
});

describe('a fleet', () => {
  const deployment = async (component: string, ...args: string[]) => {
    const manifests = await renderChart('helm4', args);
    const found = ofKind(manifests, 'Deployment').find((one) => componentOf(one) === component);
    if (found === undefined) throw new Error(`no Deployment of ${component}`);
    return found;
  };

  test('keeps falsy values that override a default', async () => {
    const money = await deployment('worker-money', '--set', 'defaults.replicaCount=3,workers.money.replicaCount=0');
    expect(money.spec?.['replicas']).toBe(0);
  });

  test('inherits what it does not say', async () => {
    const money = await deployment('worker-money', '--set', 'defaults.priorityClassName=high');
    expect(podOf(money)?.spec?.priorityClassName).toBe('high');
  });

  test('gives its jobs the grace that is left of the pod’s', async () => {
    const args = ['--set', 'api.terminationGracePeriodSeconds=90,api.preStopSleepSeconds=10,api.drainMarginSeconds=5'];
    const [container] = containersOf(await deployment('api', ...args));
    expect(container?.env).toContainEqual({ name: 'SHUTDOWN_GRACE_MS', value: '75000' });
    expect(container?.lifecycle?.preStop).toEqual({ sleep: { seconds: 10 } });
  });

  test('of another name runs the queue it is told', async () => {
    const [container] = containersOf(await deployment('worker-mints', '--set', 'workers.mints.queue=money'));
    expect(container?.args).toEqual(['node', 'apps/worker-money/src/main.ts']);
    expect(container?.env?.map(({ name }) => name)).toContain('SOLANA_MINT_AUTHORITY');
  });

  test('has no preStop sleep, for nothing is sent to it', async () => {
    expect(containersOf(await deployment('worker-money'))[0]?.lifecycle).toBeUndefined();
  });

  test('is rolled when its configuration changes', async () => {
    const annotations = async (...args: string[]) =>
      podOf(await deployment('worker-communication', ...args))?.metadata?.annotations?.['checksum/config'];
    expect(await annotations('--set', 'config.LOG_LEVEL=debug')).not.toBe(await annotations());
  });
});

describe('scaling by KEDA', () => {
  interface Trigger {
    name: string;
    metricType: string;
    metadata: Record<string, string>;
  }
  const triggersOf = async (file: string, component: string) => {
    const objects = ofKind(await renderChart('helm4', ['-f', file]), 'ScaledObject');
    const spec = objects.find((one) => componentOf(one) === component)?.spec;
    return { spec, triggers: (spec?.['triggers'] ?? []) as Trigger[] };
  };

  test('counts prioritized and running jobs, and the age, and never takes a missing metric for zero', async () => {
    const { triggers } = await triggersOf('ci/production-values.yaml', 'worker-money');
    expect(triggers.map(({ name, metricType }) => [name, metricType])).toEqual([
      ['backlog', 'AverageValue'],
      ['age', 'Value'],
    ]);
    expect(triggers[0]?.metadata['query']).toContain('state=~"waiting|active"');
    expect(triggers[0]?.metadata['query']).toContain('namespace="queue-service",queue="money"');
    expect(triggers[1]?.metadata['query']).toContain('queue_service_queue_oldest_waiting_age_seconds');
    for (const { metadata } of triggers) expect(metadata['ignoreNullValues']).toBe('false');
  });

  test('lets background go to zero and money not', async () => {
    const background = await triggersOf('ci/production-values.yaml', 'worker-background');
    const money = await triggersOf('ci/production-values.yaml', 'worker-money');
    expect([background.spec?.['minReplicaCount'], money.spec?.['minReplicaCount']]).toEqual([0, 2]);
    // Nobody else promotes delayed jobs.
    const delayed = background.triggers.find(({ name }) => name === 'delayed');
    expect(delayed?.metadata['query']).toContain('state="delayed"');
  });

  test('by Redis sums the keys that BullMQ really has', async () => {
    const { spec, triggers } = await triggersOf('ci/keda-redis-values.yaml', 'worker-money');
    expect(triggers.map(({ metadata }) => metadata['listName'])).toEqual([
      'queue-service:money:wait',
      'queue-service:money:prioritized',
      'queue-service:money:active',
    ]);
    expect(spec?.['advanced']).toMatchObject({ scalingModifiers: { formula: 'wait + prioritized + active' } });
  });
});

describe('migrations', () => {
  const render = (...args: string[]) => renderChart('helm4', args);

  test('as a hook use nothing that the release makes later', async () => {
    const manifests = await render('-f', 'ci/created-secrets-values.yaml');
    const hooks = manifests.filter(({ metadata }) => metadata.annotations?.['helm.sh/hook']?.includes('pre-install'));
    expect(hooks.map(({ kind }) => kind).toSorted()).toEqual(['Job', 'NetworkPolicy', 'Secret']);
    const [job] = ofKind(hooks, 'Job');
    expect(job && podOf(job)?.spec?.serviceAccountName).toBeUndefined();
    const secret =
      job && containersOf(job)[0]?.env?.find(({ name }) => name === 'DATABASE_URL')?.valueFrom?.secretKeyRef;
    expect(secret?.name).toBe(ofKind(hooks, 'Secret')[0]?.metadata.name);
  });

  test('as a plain Job have another name for another image, because a Job cannot be changed', async () => {
    const names = await Promise.all(
      ['1.0.0', '1.0.1'].map(async (tag) => {
        const [job] = ofKind(await render('--set', `migrations.mode=job,image.tag=${tag}`), 'Job');
        return job?.metadata.name;
      }),
    );
    expect(names[0]).not.toBe(names[1]);
  });

  test('can go past a connection pooler', async () => {
    const [job] = ofKind(await render('-f', 'ci/production-values.yaml'), 'Job');
    const reference = job && containersOf(job)[0]?.env?.find(({ name }) => name === 'DATABASE_URL')?.valueFrom;
    expect(reference?.secretKeyRef?.key).toBe('DIRECT_DATABASE_URL');
  });
});
