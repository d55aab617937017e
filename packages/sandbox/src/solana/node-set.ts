import type { Cluster } from './cluster.ts';
import { type NodeOptions, SolanaNode } from './node.ts';

/** All nodes of one cluster, told apart by their path: `/` is the first, `/nodes/<index>` the others. */
export class NodeSet {
  readonly cluster: Cluster;
  readonly list: SolanaNode[] = [];
  /** Where they are reached; known once the server listens. */
  port = 0;

  constructor(cluster: Cluster) {
    this.cluster = cluster;
  }

  add(options: NodeOptions): SolanaNode {
    const index = this.list.length;
    const path = index === 0 ? '' : `/nodes/${index}`;
    const address = {
      index,
      url: `http://127.0.0.1:${this.port}${path}`,
      wsUrl: `ws://127.0.0.1:${this.port + 1}${path}`,
    };
    const node = new SolanaNode(this.cluster, address, options);
    this.list.push(node);
    return node;
  }

  at(path: string): SolanaNode | undefined {
    if (path === '/') return this.list[0];
    const index = /^\/nodes\/(\d+)$/.exec(path)?.[1];
    return index === undefined ? undefined : this.list[Number(index)];
  }
}
