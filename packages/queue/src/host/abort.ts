/** Why a running job's signal was aborted. */
export class Abort extends Error {
  readonly kind: 'timeout' | 'cancelled' | 'shutdown' | 'lost';

  constructor(kind: Abort['kind'], message: string) {
    super(message);
    this.name = 'AbortError';
    this.kind = kind;
  }
}
