/** A Redis as its URL says: one server, those that Sentinels watch over, or a cluster. */
export type RedisAddress =
  | { kind: 'server'; url: string }
  | (RedisNodes & { kind: 'sentinel'; name: string; sentinelPassword: string | undefined })
  | (RedisNodes & { kind: 'cluster' });

interface RedisNodes {
  nodes: { host: string; port: number }[];
  username: string | undefined;
  password: string | undefined;
  tls: boolean;
}

const shape = /^redis\+(sentinel|cluster):\/\/(?:([^:@/?]*):([^@/?]*)@)?([^@/?]*)(?:\/([^/?]*))?(?:\?(.*))?$/;
const node = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i;

/**
 * Reads
 * - `redis://` and `rediss://`, as ioredis does;
 * - `redis+sentinel://[[user]:password@]host[:port],…/name-of-the-master[?tls][&sentinelPassword=…]`, by default port 26379;
 * - `redis+cluster://[[user]:password@]host[:port],…[?tls]`, by default port 6379.
 * @throws Error with what is wrong, without the value: it may hold a password
 */
export function parseRedisAddress(text: string): RedisAddress {
  if (['redis:', 'rediss:'].includes(URL.parse(text)?.protocol ?? '')) return { kind: 'server', url: text };
  const [whole, kind, username, password, hosts = '', path = '', query = ''] = shape.exec(text) ?? [];
  if (whole === undefined)
    throw new Error('must be a URL with redis:// or rediss:// or redis+sentinel:// or redis+cluster://');
  const asked = new URLSearchParams(query);
  const known = kind === 'sentinel' ? ['tls', 'sentinelPassword'] : ['tls'];
  if ([...asked.keys()].some((name) => !known.includes(name)))
    throw new Error(`may have after its ? only ${known.join(' and ')}`);
  const common = {
    nodes: hosts.split(',').map((host) => readNode(host, kind === 'sentinel' ? 26_379 : 6_379)),
    username: username ? decode(username) : undefined,
    password: password ? decode(password) : undefined,
    tls: asked.has('tls') && asked.get('tls') !== 'false',
  };
  if (kind === 'cluster') {
    if (path !== '') throw new Error('must have no path: a cluster has one database');
    return { kind, ...common };
  }
  if (path === '') throw new Error('must name the master after its hosts, as in redis+sentinel://host:26379/mymaster');
  return {
    kind: 'sentinel',
    ...common,
    name: decode(path),
    sentinelPassword: asked.get('sentinelPassword') ?? undefined,
  };
}

function readNode(text: string, defaultPort: number): { host: string; port: number } {
  const [whole, v6, name, port] = node.exec(text) ?? [];
  const number = port === undefined ? defaultPort : Number(port);
  if (whole === undefined || number < 1 || number > 65_535) throw new Error('must list hosts as host:port,host:port');
  return { host: v6 ?? name ?? '', port: number };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error('must have its user, password and master percent-encoded');
  }
}
