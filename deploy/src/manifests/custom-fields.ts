/** The fields of a custom resource: a map by name, a list of one kind of item, or anything (checked by its model). */
export type Fields = 'any' | readonly [Fields] | { readonly [field: string]: Fields };

const head = { apiVersion: 'any', kind: 'any', metadata: 'any' } as const;

/**
 * Fields of the custom resources in use, from their projects' references: KEDA 2.20, prometheus-operator 0.86,
 * External Secrets 1.x, Gateway API 1.4. Only what is used is listed: a new field has to be looked up first.
 */
export const customFields: Readonly<Record<string, Fields>> = {
  'keda.sh/v1alpha1/ScaledObject': {
    ...head,
    spec: {
      scaleTargetRef: { apiVersion: 'any', kind: 'any', name: 'any' },
      minReplicaCount: 'any',
      maxReplicaCount: 'any',
      pollingInterval: 'any',
      cooldownPeriod: 'any',
      fallback: { failureThreshold: 'any', replicas: 'any', behavior: 'any' },
      advanced: {
        scalingModifiers: { formula: 'any', target: 'any', activationTarget: 'any', metricType: 'any' },
        horizontalPodAutoscalerConfig: {
          behavior: {
            scaleUp: { stabilizationWindowSeconds: 'any', selectPolicy: 'any', policies: 'any' },
            scaleDown: { stabilizationWindowSeconds: 'any', selectPolicy: 'any', policies: 'any' },
          },
        },
      },
      triggers: [
        {
          type: 'any',
          name: 'any',
          metricType: 'any',
          authenticationRef: { name: 'any', kind: 'any' },
          metadata: {
            serverAddress: 'any',
            query: 'any',
            threshold: 'any',
            activationThreshold: 'any',
            ignoreNullValues: 'any',
            address: 'any',
            listName: 'any',
            listLength: 'any',
            activationListLength: 'any',
            enableTLS: 'any',
          },
        },
      ],
    },
  },
  'monitoring.coreos.com/v1/ServiceMonitor': {
    ...head,
    spec: {
      selector: { matchLabels: 'any' },
      endpoints: [
        { port: 'any', path: 'any', interval: 'any', authorization: { credentials: { name: 'any', key: 'any' } } },
      ],
    },
  },
  'monitoring.coreos.com/v1/PodMonitor': {
    ...head,
    spec: { selector: { matchLabels: 'any' }, podMetricsEndpoints: [{ port: 'any', path: 'any', interval: 'any' }] },
  },
  'monitoring.coreos.com/v1/PrometheusRule': {
    ...head,
    spec: {
      groups: [
        {
          name: 'any',
          interval: 'any',
          rules: [{ alert: 'any', record: 'any', expr: 'any', for: 'any', labels: 'any', annotations: 'any' }],
        },
      ],
    },
  },
  'external-secrets.io/v1/ExternalSecret': {
    ...head,
    spec: {
      refreshInterval: 'any',
      secretStoreRef: { name: 'any', kind: 'any' },
      target: { name: 'any', creationPolicy: 'any' },
      dataFrom: [{ extract: { key: 'any' } }],
    },
  },
  'gateway.networking.k8s.io/v1/HTTPRoute': {
    ...head,
    spec: {
      parentRefs: 'any',
      hostnames: 'any',
      rules: [{ matches: [{ path: { type: 'any', value: 'any' } }], backendRefs: [{ name: 'any', port: 'any' }] }],
    },
  },
};
