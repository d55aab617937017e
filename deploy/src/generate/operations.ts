import type { V1PodSpec } from '@kubernetes/client-node';
import { type Manifest, podOf } from '../manifests/manifest.ts';

const QUEUES = ['money', 'communication', 'background'];

/** What an operator does now and then, as arguments of queuectl. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  ...Object.fromEntries(QUEUES.map((queue) => [`redrive-${queue}`, ['redrive', '--all', '--queue', queue, '--yes']])),
  reconcile: ['reconcile'],
  'pause-all': ['pause', '--all', '--yes'],
  'resume-all': ['resume', '--all', '--yes'],
  ...Object.fromEntries(QUEUES.map((queue) => [`drain-${queue}`, ['pause', queue, '--yes']])),
};

/** One-off Jobs that run queuectl against the API: the pod of the migration with another command. */
export function operations(migrate: Manifest): [string, object][] {
  const pod = podOf(migrate)?.spec;
  const [container] = pod?.containers ?? [];
  if (pod === undefined || container === undefined) throw new Error('the migration Job has no container');
  return Object.entries(COMMANDS).map(([name, args]) => {
    const labels = { ...migrate.metadata.labels, 'app.kubernetes.io/component': 'ops' };
    const spec: V1PodSpec = {
      ...pod,
      containers: [
        {
          ...container,
          name: 'queuectl',
          args: ['node', 'packages/cli/src/main.ts', ...args],
          env: [
            { name: 'QUEUE_URL', value: 'http://queue-service-api:3011' },
            {
              name: 'QUEUE_TOKEN',
              valueFrom: { secretKeyRef: { name: 'queue-service-operator', key: 'token' } },
            },
          ],
        },
      ],
    };
    const job = {
      apiVersion: 'batch/v1',
      kind: 'Job',
      metadata: { generateName: `queue-service-${name}-`, labels },
      spec: {
        // Once: an operator looks at what happened before asking again.
        backoffLimit: 0,
        activeDeadlineSeconds: 3_600,
        ttlSecondsAfterFinished: 86_400,
        template: { metadata: { labels }, spec },
      },
    };
    return [name, job];
  });
}
