import { stringify } from 'yaml';
import { componentOf, type Manifest, ofKind } from '../manifests/manifest.ts';
import { renderChart } from '../manifests/render.ts';
import { operations } from './operations.ts';

/** Path below k8s/ and content of each file that comes from the chart. */
export type GeneratedFiles = ReadonlyMap<string, string>;

const HEADER =
  '# Made from helm/queue-service by `pnpm --filter @queue-service/deploy generate`: change the chart instead.\n';

/** What a plain apply wants: no namespace (the overlay's matter), nothing that only Helm reads. */
function withoutHelm(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutHelm);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !['helm.sh/chart', 'app.kubernetes.io/managed-by'].includes(key))
      .map(([key, item]) => [key, withoutHelm(item)]),
  );
}

function cleaned(manifest: Manifest): Manifest {
  const clean = withoutHelm(manifest) as Manifest;
  delete clean.metadata.namespace;
  return clean;
}

export function documents(manifests: readonly object[]): string {
  return (
    HEADER +
    manifests.map((manifest) => `---\n${stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false })}`).join('')
  );
}

function kustomization(kind: 'Kustomization' | 'Component', content: object): string {
  const version = kind === 'Component' ? 'v1alpha1' : 'v1beta1';
  return HEADER + stringify({ apiVersion: `kustomize.config.k8s.io/${version}`, kind, ...content }, { lineWidth: 0 });
}

function idOf({ kind, metadata }: Manifest): string {
  return `${kind}/${metadata.name}`;
}

async function render(...sets: string[]): Promise<Manifest[]> {
  const manifests = await renderChart('helm4', ['--set', ['migrations.mode=job', ...sets].join(',')]);
  return manifests
    .filter((manifest) => componentOf(manifest) !== 'test')
    .map(cleaned)
    .map((manifest) =>
      manifest.kind === 'Job'
        ? { ...manifest, metadata: { ...manifest.metadata, name: 'queue-service-migrate' } }
        : manifest,
    );
}

/** One file a component, so that a reader finds all of a fleet in one place. */
function base(manifests: readonly Manifest[]): [string, string][] {
  const files = Map.groupBy(manifests, (manifest) => `${componentOf(manifest)}.yaml`);
  const names = [...files.keys()].toSorted();
  return [
    ...names.map((name): [string, string] => [`base/${name}`, documents(files.get(name) ?? [])]),
    ['base/kustomization.yaml', kustomization('Kustomization', { resources: names })],
  ];
}

function component(name: string, added: readonly Manifest[], more: object = {}): [string, string][] {
  return [
    [`components/${name}/objects.yaml`, documents(added)],
    [`components/${name}/kustomization.yaml`, kustomization('Component', { resources: ['objects.yaml'], ...more })],
  ];
}

const WITH_KEDA = [
  'api.autoscaling.type=hpa',
  ...['money', 'communication', 'background'].map((fleet) => `workers.${fleet}.autoscaling.type=keda`),
  'workers.background.autoscaling.minReplicas=0',
];
const WITH_MONITORING = ['serviceMonitor', 'prometheusRule', 'dashboards'].map(
  (one) => `monitoring.${one}.enabled=true`,
);
const WITH_STORES = [
  'bundled.postgresql.enabled=true',
  'bundled.redis.enabled=true',
  'bundled.password=trialonlypassword',
];

/** The kustomize base, the components that add to it, and the operators' Jobs, all from the chart. */
export async function generateKustomizations(): Promise<GeneratedFiles> {
  const [plain, keda, monitoring, stores] = await Promise.all([
    render(),
    render(...WITH_KEDA),
    render(...WITH_MONITORING),
    render(...WITH_STORES),
  ]);
  const known = new Set(plain.map(idOf));
  const added = (manifests: readonly Manifest[]) => manifests.filter((manifest) => !known.has(idOf(manifest)));
  const scaled = ['api', 'worker-money', 'worker-communication', 'worker-background'];
  const [migrate] = ofKind(plain, 'Job');
  if (migrate === undefined) throw new Error('the chart rendered no migration Job');
  return new Map([
    ...base(plain),
    ...component('autoscaling', added(keda), {
      // An autoscaler owns them.
      patches: [
        {
          target: { kind: 'Deployment', labelSelector: `app.kubernetes.io/component in (${scaled.join(',')})` },
          patch: '- op: remove\n  path: /spec/replicas\n',
        },
      ],
    }),
    ...component('monitoring', added(monitoring)),
    ...component(
      'trial-stores',
      added(stores).filter(({ kind }) => kind !== 'Secret'),
      {
        resources: ['objects.yaml', 'egress.yaml'],
      },
    ),
    ...operations(migrate).map(([name, job]): [string, string] => [`ops/${name}.yaml`, documents([job])]),
  ]);
}
