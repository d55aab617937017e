import * as gateway from '@kubernetes-models/gateway-api/gateway.networking.k8s.io/v1';
import * as keda from '@kubernetes-models/keda/keda.sh/v1alpha1';
import * as prometheus from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1';
import * as apps from 'kubernetes-models/apps/v1';
import * as autoscaling from 'kubernetes-models/autoscaling/v2';
import * as batch from 'kubernetes-models/batch/v1';
import * as networking from 'kubernetes-models/networking.k8s.io/v1';
import * as policy from 'kubernetes-models/policy/v1';
import * as core from 'kubernetes-models/v1';
import { type Manifest, nameOf } from './manifest.ts';

type Model = new (data: Manifest) => { validate(): void };

const groups: Readonly<Record<string, object>> = {
  v1: core,
  'apps/v1': apps,
  'batch/v1': batch,
  'policy/v1': policy,
  'autoscaling/v2': autoscaling,
  'networking.k8s.io/v1': networking,
  'keda.sh/v1alpha1': keda,
  'monitoring.coreos.com/v1': prometheus,
  'gateway.networking.k8s.io/v1': gateway,
};

/** No package has its model yet; its fields are checked by their names alone. */
const WITHOUT_MODEL = new Set(['external-secrets.io/v1/ExternalSecret']);

/** What Kubernetes' own schemas say against an object: missing fields, wrong types, values outside of a list. */
export function modelErrors(manifest: Manifest): string[] {
  if (WITHOUT_MODEL.has(`${manifest.apiVersion}/${manifest.kind}`)) return [];
  const model = (groups[manifest.apiVersion] as Record<string, Model> | undefined)?.[manifest.kind];
  if (model === undefined) return [`${nameOf(manifest)}: no model of ${manifest.apiVersion} ${manifest.kind}`];
  try {
    new model(withoutLineBreaks(manifest)).validate();
    return [];
  } catch (error) {
    return [`${nameOf(manifest)}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/** kustomize breaks long base64 into lines, which every reader of Secrets takes. */
function withoutLineBreaks(manifest: Manifest): Manifest {
  if (manifest.kind !== 'Secret' || manifest.data === undefined) return manifest;
  const data = Object.entries(manifest.data).map(([key, value]) => [key, value.replaceAll(/\s/g, '')]);
  return { ...manifest, data: Object.fromEntries(data) };
}
