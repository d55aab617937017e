import { beforeAll, describe, expect, test } from 'vitest';
import type { Manifest } from './manifest.ts';
import { parseManifests } from './manifest.ts';
import { problemsOf } from './problems.ts';
import { renderChart } from './render.ts';

let rendered: Manifest[];
beforeAll(async () => {
  rendered = await renderChart('helm4', []);
  expect(problemsOf(rendered)).toEqual([]);
}, 300_000);

/** The default rendering of the chart with one thing changed. */
function broken(change: (manifests: Manifest[]) => void): string {
  const manifests = structuredClone(rendered);
  change(manifests);
  return problemsOf(manifests).join('\n');
}

function find(manifests: readonly Manifest[], kind: string, name: string): Manifest {
  const found = manifests.find((one) => one.kind === kind && one.metadata.name === `queue-service-${name}`);
  if (found === undefined) throw new Error(`no ${kind} ${name}`);
  return found;
}

// A manifest is changed here as a text editor would: without its type.
type Loose = Record<string, Record<string, never>>;
function specOf(manifest: Manifest): Loose {
  return manifest.spec as unknown as Loose;
}
function set(target: object, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? '';
  const parent = keys.reduce<object>((at, key) => (at as Record<string, object>)[key] as object, target);
  (parent as Record<string, unknown>)[last] = value;
}

const money = (manifests: readonly Manifest[]) => specOf(find(manifests, 'Deployment', 'worker-money'));

describe('a problem is found', () => {
  const cases: [string, (manifests: Manifest[]) => void, RegExp][] = [
    [
      'a misspelt field',
      (all) => set(money(all), 'template.spec.terminationGracePeriodSecond', 5),
      /terminationGracePeriodSecond: is not known/,
    ],
    ['a number as text', (all) => set(money(all), 'replicas', '1'), /replicas: must be a number/],
    [
      'a value outside of its list',
      (all) => set(money(all), 'template.spec.containers.0.imagePullPolicy', 5),
      /imagePullPolicy/,
    ],
    ['a missing field', (all) => set(money(all), 'selector', undefined), /selector/],
    ['a kind that is not there', (all) => set(all[0] as object, 'kind', 'Deploymnet'), /no such kind/],
    ['a root user', (all) => set(money(all), 'template.spec.securityContext.runAsNonRoot', false), /may run as root/],
    [
      'a writable root',
      (all) => set(money(all), 'template.spec.containers.0.securityContext.readOnlyRootFilesystem', false),
      /writable root/,
    ],
    [
      'kept capabilities',
      (all) => set(money(all), 'template.spec.containers.0.securityContext.capabilities', {}),
      /keeps capabilities/,
    ],
    [
      'a mounted token',
      (all) => set(money(all), 'template.spec.automountServiceAccountToken', true),
      /token is mounted/,
    ],
    [
      'a host path',
      (all) => set(money(all), 'template.spec.volumes.0', { name: 'tmp', hostPath: { path: '/' } }),
      /hostPath/,
    ],
    [
      'a grace that is too long',
      (all) => set(money(all), 'template.spec.terminationGracePeriodSeconds', 60),
      /does not fit into 60000/,
    ],
    [
      'a rollout that takes workers away',
      (all) => set(money(all), 'strategy.rollingUpdate.maxUnavailable', 1),
      /takes workers away/,
    ],
    [
      'liveness on a dependency',
      (all) => set(money(all), 'template.spec.containers.0.livenessProbe.httpGet.path', '/health/ready'),
      /liveness/,
    ],
    [
      'liveness that kills what is only slow',
      (all) => set(money(all), 'template.spec.containers.0.livenessProbe.failureThreshold', 1),
      /a block of 5 s/,
    ],
    [
      'an image without version',
      (all) => set(money(all), 'template.spec.containers.0.image', 'queue-service'),
      /has no version/,
    ],
    [
      'a missing account',
      (all) => set(money(all), 'template.spec.serviceAccountName', 'nobody'),
      /nobody is not there/,
    ],
    [
      'both limits of a budget',
      (all) => set(specOf(find(all, 'PodDisruptionBudget', 'worker-money')), 'minAvailable', 1),
      /maxUnavailable and minAvailable/,
    ],
    [
      'a policy without DNS',
      (all) =>
        set(specOf(find(all, 'NetworkPolicy', 'worker-money')), 'egress.0.ports', [{ protocol: 'TCP', port: 443 }]),
      /no DNS/,
    ],
    [
      'a policy for everybody',
      (all) => set(specOf(find(all, 'NetworkPolicy', 'worker-money')), 'ingress.0.from', []),
      /lets everybody through/,
    ],
    [
      'a pod without a policy',
      (all) => set(specOf(find(all, 'NetworkPolicy', 'worker-money')), 'podSelector.matchLabels', { x: 'y' }),
      /no network policy/,
    ],
    ['a name that is too long', (all) => set(all[0] as object, 'metadata.name', 'x'.repeat(64)), /is no name/],
  ];

  test.each(cases)('%s', (_what, change, message) => {
    expect(broken(change)).toMatch(message);
  });

  const secret = (name: string) => ({ name, valueFrom: { secretKeyRef: { name: 's', key: name } } });
  const give = (manifests: readonly Manifest[], component: string, entry: object) =>
    (
      specOf(find(manifests, 'Deployment', component)) as unknown as {
        template: { spec: { containers: { env: object[] }[] } };
      }
    ).template.spec.containers[0]?.env.push(entry);

  test.each([
    ['api', 'STRIPE_SECRET_KEY'],
    ['scheduler', 'SOLANA_MINT_AUTHORITY'],
    ['worker-communication', 'STRIPE_SECRET_KEY'],
    ['worker-background', 'SOLANA_MINT_AUTHORITY'],
    ['worker-money', 'SENDGRID_API_KEY'],
  ])('%s that is given %s', (component, name) => {
    expect(broken((all) => give(all, component, secret(name)))).toContain(`is given ${name}`);
  });

  test('a secret written as text', () => {
    const change = (all: Manifest[]) => give(all, 'worker-money', { name: 'STRIPE_SECRET_KEY', value: 'sk_live' });
    const found = broken(change);
    expect(found).toContain('is given STRIPE_SECRET_KEY as text');
    expect(found).toContain('STRIPE_SECRET_KEY is set twice');
  });
});

test('replicas beside an autoscaler are a problem', async () => {
  const manifests = await renderChart('helm4', ['-f', 'ci/production-values.yaml']);
  set(money(manifests), 'replicas', 2);
  expect(problemsOf(manifests)).toEqual([
    'noReplicasUnderAutoscaler: Deployment/queue-service-worker-money: replicas although an autoscaler owns them',
  ]);
});

test('an unknown field of a custom resource is a problem', async () => {
  const manifests = await renderChart('helm4', ['-f', 'ci/production-values.yaml']);
  set(specOf(find(manifests, 'ScaledObject', 'worker-money')), 'minReplicas', 2);
  expect(problemsOf(manifests)).toEqual(['ScaledObject/queue-service-worker-money.spec.minReplicas: is not known']);
});

test('a key given twice is no YAML', () => {
  expect(() => parseManifests('a: 1\na: 2\n')).toThrow(/unique/);
});
