import type { V1EnvVar } from '@kubernetes/client-node';
import { componentOf, containersOf, type Manifest, nameOf, ofKind, podOf } from './manifest.ts';

/** A rule over everything that one rendering made; says what breaks it. */
export type Invariant = (manifests: readonly Manifest[]) => string[];

function targetOf(manifest: Manifest): string | undefined {
  return (manifest.spec?.['scaleTargetRef'] as { name?: string } | undefined)?.name;
}

/** Two owners of one field fight: every `helm upgrade` would throw a fleet back to the chart's number. */
export const noReplicasUnderAutoscaler: Invariant = (manifests) => {
  const scaled = [...ofKind(manifests, 'HorizontalPodAutoscaler'), ...ofKind(manifests, 'ScaledObject')].map(targetOf);
  const twice = scaled.filter((name, index) => scaled.indexOf(name) !== index);
  return [
    ...twice.map((name) => `${name} has two autoscalers`),
    ...ofKind(manifests, 'Deployment').flatMap((deployment) => {
      const isScaled = scaled.includes(deployment.metadata.name);
      const hasReplicas = deployment.spec?.['replicas'] !== undefined;
      if (isScaled && hasReplicas) return [`${nameOf(deployment)}: replicas although an autoscaler owns them`];
      if (!isScaled && !hasReplicas) return [`${nameOf(deployment)}: neither replicas nor an autoscaler`];
      return [];
    }),
    ...scaled.flatMap((name) =>
      ofKind(manifests, 'Deployment').some(({ metadata }) => metadata.name === name)
        ? []
        : [`an autoscaler scales ${name}, which is not there`],
    ),
  ];
};

/** The process must have ended by itself, with time left to close the rest, before it is killed. */
export const graceCoversShutdown: Invariant = (manifests) =>
  ofKind(manifests, 'Deployment').flatMap((deployment) => {
    const spec = podOf(deployment)?.spec;
    return containersOf(deployment).flatMap((container) => {
      const grace = Number(container.env?.find(({ name }) => name === 'SHUTDOWN_GRACE_MS')?.value);
      const given = (spec?.terminationGracePeriodSeconds ?? 30) * 1_000;
      const slept = (container.lifecycle?.preStop?.sleep?.seconds ?? 0) * 1_000;
      return grace > 0 && grace + slept + 2_000 <= given
        ? []
        : [`${nameOf(deployment)}: SHUTDOWN_GRACE_MS ${grace} does not fit into ${given} ms`];
    });
  });

/** Helm 4 applies server-side, where a name given twice is an error; before, the last silently won. */
export const noDuplicateEnvironment: Invariant = (manifests) =>
  manifests.flatMap((manifest) =>
    containersOf(manifest).flatMap(({ env = [] }) =>
      env.flatMap(({ name }: V1EnvVar, index: number) =>
        env.findIndex((other) => other.name === name) === index ? [] : [`${nameOf(manifest)}: ${name} is set twice`],
      ),
    ),
  );

/** Exactly one field, and never a budget that nothing can satisfy. */
export const disruptionBudgetsCanBeMet: Invariant = (manifests) =>
  ofKind(manifests, 'PodDisruptionBudget').flatMap((budget) => {
    const fields = ['maxUnavailable', 'minAvailable'].filter((field) => budget.spec?.[field] !== undefined);
    const problems = fields.length === 1 ? [] : [`${nameOf(budget)}: has ${fields.join(' and ') || 'no limit'}`];
    if (budget.spec?.['maxUnavailable'] === 0) problems.push(`${nameOf(budget)}: lets no node be drained`);
    return problems;
  });

/** Never fewer workers than wanted while a version rolls out. */
export const rolloutsKeepCapacity: Invariant = (manifests) =>
  ofKind(manifests, 'Deployment').flatMap((deployment) => {
    const strategy = deployment.spec?.['strategy'] as { rollingUpdate?: { maxUnavailable?: unknown } } | undefined;
    return strategy?.rollingUpdate?.maxUnavailable === 0 ? [] : [`${nameOf(deployment)}: a rollout takes workers away`];
  });

interface PolicySpec {
  podSelector: { matchLabels: Record<string, string> };
  policyTypes?: string[];
  ingress?: { from?: unknown[] }[];
  egress?: { to?: unknown[]; ports?: { protocol: string; port: number }[] }[];
}

/** Without DNS nothing works; with an empty `from` or `to` everybody may. */
export const networkPoliciesAreSound: Invariant = (manifests) =>
  ofKind(manifests, 'NetworkPolicy').flatMap((policy) => {
    const { policyTypes = [], ingress = [], egress = [] } = policy.spec as unknown as PolicySpec;
    const problems: string[] = [];
    const peers = [...ingress.map(({ from }) => from ?? []), ...egress.map(({ to }) => to ?? [])];
    if (peers.some((list) => list.length === 0)) problems.push('a rule without peers lets everybody through');
    if (!policyTypes.includes('Ingress') || !policyTypes.includes('Egress')) problems.push('is not for both ways');
    const hasDns = (protocol: string) =>
      egress.some(({ ports = [] }) => ports.some((port) => port.protocol === protocol && port.port === 53));
    if (egress.length > 0 && !(hasDns('UDP') && hasDns('TCP'))) problems.push('no DNS');
    return problems.map((problem) => `${nameOf(policy)}: ${problem}`);
  });

/** With network policies in force every pod needs one of its own beside the one that denies. */
export const everyPodHasANetworkPolicy: Invariant = (manifests) => {
  const policies = ofKind(manifests, 'NetworkPolicy');
  if (policies.length === 0) return [];
  const selectors = policies
    .filter(({ metadata }) => !metadata.name?.endsWith('-default-deny'))
    .map(({ spec }) => Object.entries((spec as unknown as PolicySpec).podSelector.matchLabels));
  return manifests.flatMap((manifest) => {
    const pod = podOf(manifest);
    if (pod === undefined) return [];
    const labels = pod.metadata?.labels ?? {};
    return selectors.some((selector) => selector.every(([key, value]) => labels[key] === value))
      ? []
      : [`${nameOf(manifest)}: no network policy lets it do anything`];
  });
};

/** Names of 63 characters at most, the labels Kubernetes recommends, and selectors that never change. */
export const namesAndLabelsHold: Invariant = (manifests) =>
  manifests.flatMap((manifest) => {
    const { labels = {}, generateName } = manifest.metadata;
    const name = manifest.metadata.name ?? `${generateName}x`;
    const problems = ['name', 'instance', 'component']
      .filter((label) => labels[`app.kubernetes.io/${label}`] === undefined)
      .map((label) => `${nameOf(manifest)}: lacks the label app.kubernetes.io/${label}`);
    if (!/^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/.test(name)) problems.push(`${nameOf(manifest)}: is no name`);
    const selector = (manifest.spec?.['selector'] as { matchLabels?: Record<string, string> } | undefined)?.matchLabels;
    if (selector && Object.keys(selector).some((label) => /version|chart/.test(label))) {
      problems.push(`${nameOf(manifest)}: selects by a label that changes`);
    }
    return problems;
  });

/** A pod without its own image version would change under us. */
export const imagesArePinned: Invariant = (manifests) =>
  manifests.flatMap((manifest) =>
    containersOf(manifest).flatMap(({ image = '' }) =>
      /@sha256:[a-f0-9]{64}$|:[\w][\w.-]*$/.test(image) && !image.endsWith(':latest')
        ? []
        : [`${nameOf(manifest)}: the image ${image} has no version`],
    ),
  );

/** An event loop may stand still this long: locks and leases outlive it, and so must the process. */
const toleratedBlockSeconds = 5;

/** Liveness asks the process only, readiness its stores; a slow start is no death. */
export const probesAreSound: Invariant = (manifests) =>
  ofKind(manifests, 'Deployment').flatMap((deployment) =>
    containersOf(deployment).flatMap(({ livenessProbe, readinessProbe, startupProbe }) => {
      const problems: string[] = [];
      if (livenessProbe?.httpGet?.path !== '/health/live') problems.push('liveness does not ask /health/live');
      const { periodSeconds = 10, timeoutSeconds = 1, failureThreshold = 3 } = livenessProbe ?? {};
      // Only the last failures in a row restart it: a handler that blocks for so long may end.
      if (periodSeconds * (failureThreshold - 1) - timeoutSeconds < toleratedBlockSeconds)
        problems.push(`liveness does not outlast a block of ${toleratedBlockSeconds} s`);
      if (startupProbe?.httpGet?.path !== '/health/live') problems.push('has no startup probe on /health/live');
      const ready = componentOf(deployment) === 'api' ? '/api/v1/queue/health/ready' : '/health/ready';
      if (readinessProbe?.httpGet?.path !== ready) problems.push(`readiness does not ask ${ready}`);
      return problems.map((problem) => `${nameOf(deployment)}: ${problem}`);
    }),
  );

/** References inside one rendering lead somewhere. Secrets may be made beforehand, so they are not looked for. */
export const referencesLead: Invariant = (manifests) => {
  const has = (kind: string, name: string | undefined) =>
    ofKind(manifests, kind).some(({ metadata }) => metadata.name === name);
  return manifests.flatMap((manifest) => {
    const problems: string[] = [];
    const account = podOf(manifest)?.spec?.serviceAccountName;
    if (account !== undefined && !has('ServiceAccount', account))
      problems.push(`ServiceAccount ${account} is not there`);
    for (const { envFrom = [] } of containersOf(manifest)) {
      for (const { configMapRef } of envFrom) {
        if (configMapRef && !has('ConfigMap', configMapRef.name))
          problems.push(`ConfigMap ${configMapRef.name} is not there`);
      }
    }
    return problems.map((problem) => `${nameOf(manifest)}: ${problem}`);
  });
};

export const invariants: Readonly<Record<string, Invariant>> = {
  noReplicasUnderAutoscaler,
  graceCoversShutdown,
  noDuplicateEnvironment,
  disruptionBudgetsCanBeMet,
  rolloutsKeepCapacity,
  networkPoliciesAreSound,
  everyPodHasANetworkPolicy,
  namesAndLabelsHold,
  imagesArePinned,
  probesAreSound,
  referencesLead,
};
