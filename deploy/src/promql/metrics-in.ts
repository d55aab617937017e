import { parser } from '@prometheus-io/lezer-promql';

/** What a query is made of, or where it is wrong. */
export interface QueryReading {
  /** The text at each place the grammar does not take. */
  errors: string[];
  metrics: string[];
  labels: string[];
}

/** Variables that Grafana fills in before Prometheus sees the query. */
function withoutVariables(query: string): string {
  return query.replaceAll(/\$__(rate_)?interval/g, '5m').replaceAll(/\$\w+|\$\{\w+\}/g, '.*');
}

/** Reads a PromQL query by Prometheus' own grammar. */
export function readQuery(text: string): QueryReading {
  const query = withoutVariables(text);
  const reading: QueryReading = { errors: [], metrics: [], labels: [] };
  parser.parse(query).iterate({
    enter: (node) => {
      const found = query.slice(node.from, node.to);
      if (node.type.isError) reading.errors.push(`at ${node.from}: ${query.slice(node.from, node.from + 20)}`);
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') reading.metrics.push(found);
      if (node.name === 'LabelName') reading.labels.push(found);
    },
  });
  return reading;
}
