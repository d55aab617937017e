import { connect, createServer, type Socket } from 'node:net';

/** What happens at the n-th message that a client sends. */
export interface Trap {
  /** 1: the next one. */
  atMessage: number;
  /** `before`: the server never sees the message. `after`: it does its work, and the client never hears of it. */
  when: 'before' | 'after';
  spring(): void;
}

/** A TCP proxy on loopback that can strike at a chosen message, cut all connections, or slow them. */
export interface FaultProxy {
  readonly port: number;
  /** Replaces a trap that is set. */
  set(trap: Trap | null): void;
  /** Each answer of the server reaches the client this much later, in milliseconds; in order. */
  slow(ms: number): void;
  cut(): void;
  close(): Promise<void>;
}

export async function startFaultProxy(target: { host: string; port: number }): Promise<FaultProxy> {
  const open = new Set<Socket>();
  let trap: Trap | null = null;
  let left = 0;
  let slowMs = 0;

  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    let striking: Trap | null = null;
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk) => {
      if (trap !== null) {
        left -= 1;
        if (left <= 0) {
          striking = trap;
          trap = null;
          if (striking.when === 'before') return strike(striking);
        }
      }
      upstream.write(chunk);
    });
    let order: Promise<void> = Promise.resolve();
    let queued = 0;
    upstream.on('data', (chunk) => {
      if (striking !== null) return strike(striking);
      if (slowMs === 0 && queued === 0) {
        client.write(chunk);
        return;
      }
      const arrived = new Promise<void>((resolve) => setTimeout(resolve, slowMs));
      queued += 1;
      order = order.then(async () => {
        await arrived;
        queued -= 1;
        client.write(chunk);
      });
    });
    const strike = (sprung: Trap) => {
      striking = null;
      sprung.spring();
      client.destroy();
    };
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy does not listen on a port');
  return {
    port: address.port,
    set: (next) => {
      trap = next;
      left = next?.atMessage ?? 0;
    },
    slow: (ms) => {
      slowMs = ms;
    },
    cut: () => {
      for (const socket of open) socket.destroy();
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
