import * as models from '@kubernetes/client-node/dist/gen/models/all.js';
import { customFields, type Fields } from './custom-fields.ts';
import { type Manifest, nameOf } from './manifest.ts';

interface Attribute {
  baseName: string;
  type: string;
}
interface ModelClass {
  getAttributeTypeMap?(): Attribute[];
}

const classes = models as unknown as Record<string, ModelClass | undefined>;

/** `apps/v1 Deployment` is V1Deployment, `autoscaling/v2 HorizontalPodAutoscaler` V2HorizontalPodAutoscaler. */
function modelOf({ apiVersion, kind }: Manifest): string {
  const version = apiVersion.split('/').at(-1) ?? '';
  return `${version.charAt(0).toUpperCase()}${version.slice(1)}${kind}`;
}

/**
 * Fields that Kubernetes does not know and values of the wrong type, by path. An API server drops a misspelt field with a
 * warning at most, and `helm lint` does not look.
 */
export function unknownFields(manifest: Manifest): string[] {
  const custom = customFields[`${manifest.apiVersion}/${manifest.kind}`];
  if (custom !== undefined) return fieldsOutside(manifest, custom, nameOf(manifest));
  const model = modelOf(manifest);
  if (classes[model] === undefined) return [`${nameOf(manifest)}: ${manifest.apiVersion} has no such kind`];
  return problemsOf(manifest, model, nameOf(manifest));
}

function problemsOf(value: unknown, type: string, path: string): string[] {
  if (value === null || value === undefined) return [`${path}: is empty`];
  const list = /^Array<(.+)>$/.exec(type)?.[1];
  if (list !== undefined) {
    if (!Array.isArray(value)) return [`${path}: must be a list`];
    return value.flatMap((item, index) => problemsOf(item, list, `${path}[${index}]`));
  }
  const map = /^\{ \[key: string\]: (.+); \}$/.exec(type)?.[1];
  if (map !== undefined) {
    if (typeof value !== 'object') return [`${path}: must be a map`];
    return Object.entries(value).flatMap(([key, item]) =>
      // A quantity (`cpu: 1`) may be a number, though its type says string.
      /\.(requests|limits)$/.test(path) && typeof item === 'number' ? [] : problemsOf(item, map, `${path}.${key}`),
    );
  }
  const attributes = classes[type]?.getAttributeTypeMap?.();
  if (attributes !== undefined) {
    if (typeof value !== 'object') return [`${path}: must be a map`];
    return Object.entries(value).flatMap(([key, item]) => {
      const attribute = attributes.find(({ baseName }) => baseName === key);
      return attribute ? problemsOf(item, attribute.type, `${path}.${key}`) : [`${path}.${key}: is not known`];
    });
  }
  switch (type) {
    case 'IntOrString':
      return typeof value === 'string' || Number.isInteger(value) ? [] : [`${path}: must be a number or a string`];
    case 'string':
    case 'number':
    case 'boolean':
      return typeof value === type ? [] : [`${path}: must be a ${type}, is a ${typeof value}`];
    default:
      return [];
  }
}

function isList(fields: Fields): fields is readonly [Fields] {
  return Array.isArray(fields);
}

function fieldsOutside(value: unknown, fields: Fields, path: string): string[] {
  if (fields === 'any') return [];
  if (isList(fields)) {
    if (!Array.isArray(value)) return [`${path}: must be a list`];
    return value.flatMap((item, index) => fieldsOutside(item, fields[0], `${path}[${index}]`));
  }
  if (typeof value !== 'object' || value === null) return [`${path}: must be a map`];
  return Object.entries(value).flatMap(([key, item]) => {
    const known = fields[key];
    return known === undefined ? [`${path}.${key}: is not known`] : fieldsOutside(item, known, `${path}.${key}`);
  });
}
