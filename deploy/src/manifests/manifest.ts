import type { V1ObjectMeta, V1PodTemplateSpec } from '@kubernetes/client-node';
import { parseAllDocuments } from 'yaml';

/** One object as it was rendered. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: V1ObjectMeta;
  spec?: Record<string, unknown>;
  data?: Record<string, string>;
  stringData?: Record<string, string>;
  automountServiceAccountToken?: boolean;
}

/** `Deployment/queue-api`: how a problem names an object. */
export function nameOf(manifest: Manifest): string {
  return `${manifest.kind}/${manifest.metadata.name ?? manifest.metadata.generateName}`;
}

/** @throws Error on YAML that a strict reader refuses, such as a key given twice. */
export function parseManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { uniqueKeys: true }).flatMap((document) => {
    if (document.errors.length > 0) throw new Error(`${document.errors[0]?.message}`);
    const content: unknown = document.toJS();
    return content === null ? [] : [content as Manifest];
  });
}

/** The pod that an object makes or is. */
export function podOf(manifest: Manifest): V1PodTemplateSpec | undefined {
  if (manifest.kind === 'Pod') return manifest as unknown as V1PodTemplateSpec;
  if (manifest.kind === 'CronJob') {
    return (manifest.spec as { jobTemplate: { spec: { template: V1PodTemplateSpec } } }).jobTemplate.spec.template;
  }
  return (manifest.spec as { template?: V1PodTemplateSpec } | undefined)?.template;
}

export function ofKind(manifests: readonly Manifest[], kind: string): Manifest[] {
  return manifests.filter((manifest) => manifest.kind === kind);
}

export function componentOf(manifest: Manifest): string | undefined {
  return manifest.metadata.labels?.['app.kubernetes.io/component'];
}

/** Everything a test of containers looks at, init containers as well. */
export function containersOf(manifest: Manifest) {
  const spec = podOf(manifest)?.spec;
  return spec === undefined ? [] : [...(spec.initContainers ?? []), ...spec.containers];
}
