import type { AccountState, Engine } from './engine.ts';

interface Version {
  slot: number;
  state: AccountState | null;
}

/** How far back a view can look: behind it only the newest version is kept. */
const HORIZON_SLOTS = 1_000;

/**
 * Every account as it was at every recent slot. Nodes that lag and reads at an older commitment are answered from it;
 * the virtual machine itself knows only now.
 */
export class AccountHistory {
  readonly #versions = new Map<string, Version[]>();
  /** Programs and sysvars, which no transaction writes. They are large: each is copied out once. */
  readonly #builtIn = new Map<string, AccountState | null>();
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  record(key: string, slot: number, state: AccountState | null): void {
    const versions = this.#versions.get(key) ?? [];
    if (versions.at(-1)?.slot === slot) versions.pop();
    versions.push({ slot, state });
    while (versions.length > 1 && (versions[1] as Version).slot < slot - HORIZON_SLOTS) versions.shift();
    this.#versions.set(key, versions);
  }

  /** Sets an account as if it had always been so, or since its newest version. */
  amend(key: string, state: AccountState | null): void {
    this.record(key, this.#versions.get(key)?.at(-1)?.slot ?? 0, state);
  }

  /** The account as a bank at `slot` has it. */
  at(key: string, slot: number): AccountState | null {
    const versions = this.#versions.get(key);
    if (versions) return versions.findLast((version) => version.slot <= slot)?.state ?? null;
    let builtIn = this.#builtIn.get(key);
    if (builtIn === undefined) {
      builtIn = this.#engine.account(key);
      if (builtIn) this.#builtIn.set(key, builtIn);
    }
    return builtIn;
  }

  /** Whether a view at `slot` differs from now. */
  changedAfter(key: string, slot: number): boolean {
    return (this.#versions.get(key)?.at(-1)?.slot ?? 0) > slot;
  }

  /** All accounts that exist at `slot`, without programs and sysvars. */
  *all(slot: number): Generator<[key: string, state: AccountState]> {
    for (const key of this.#versions.keys()) {
      const state = this.at(key, slot);
      if (state) yield [key, state];
    }
  }
}
