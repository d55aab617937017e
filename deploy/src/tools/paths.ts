import { join } from 'node:path';

export const root = join(import.meta.dirname, '../../..');
export const chart = join(root, 'helm/queue-service');
export const kustomizations = join(root, 'k8s');
/** Programs that were fetched; deleting it costs a download and nothing else. */
export const toolsCache = join(root, '.cache/deploy-tools');
