import { containersOf, type Manifest, nameOf, podOf } from './manifest.ts';

const ALLOWED_VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/**
 * What the restricted Pod Security Standard refuses in the pod of an object, and what this project asks beyond it: a
 * read-only root file system, no ServiceAccount token, memory limits.
 * https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
 */
export function podSecurityProblems(manifest: Manifest): string[] {
  const spec = podOf(manifest)?.spec;
  if (spec === undefined) return [];
  const problems: string[] = [];
  const pod = spec.securityContext ?? {};
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC'] as const) {
    if (spec[field]) problems.push(`${field} is on`);
  }
  if (spec.automountServiceAccountToken !== false) problems.push('a ServiceAccount token is mounted');
  if (pod.seccompProfile?.type !== 'RuntimeDefault') problems.push('seccompProfile is not RuntimeDefault');
  if ((pod.sysctls ?? []).length > 0) problems.push('sysctls are set');
  for (const volume of spec.volumes ?? []) {
    const kinds = Object.keys(volume).filter((key) => key !== 'name');
    if (!kinds.every((kind) => ALLOWED_VOLUMES.includes(kind))) problems.push(`volume ${volume.name} is ${kinds}`);
  }
  for (const container of containersOf(manifest)) {
    const own = container.securityContext ?? {};
    const say = (problem: string) => problems.push(`container ${container.name}: ${problem}`);
    if ((own.runAsNonRoot ?? pod.runAsNonRoot) !== true) say('may run as root');
    if ((own.runAsUser ?? pod.runAsUser ?? 0) === 0) say('runs as user 0');
    if (own.privileged) say('is privileged');
    if (own.allowPrivilegeEscalation !== false) say('may gain privileges');
    if (!own.capabilities?.drop?.includes('ALL')) say('keeps capabilities');
    if ((own.capabilities?.add ?? []).some((one) => one !== 'NET_BIND_SERVICE')) say('adds capabilities');
    if (own.readOnlyRootFilesystem !== true) say('has a writable root file system');
    if (container.ports?.some(({ hostPort }) => hostPort)) say('takes a port of the host');
    if (container.resources?.limits?.['memory'] === undefined) say('has no memory limit');
    if (container.resources?.requests?.['cpu'] === undefined) say('asks for no CPU');
  }
  return problems.map((problem) => `${nameOf(manifest)}: ${problem}`);
}
