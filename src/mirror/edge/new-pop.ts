import type { CacheStore } from "./cache-store.ts";
import { BusyKeys } from "./collapsing.ts";
import type { Pop } from "./parts.ts";

/** A POP that has seen nothing yet. */
export function newPop(init: {
  /** Code such as `LHR`. */
  readonly name: string;
  readonly store: CacheStore;
  /** Its place among the POPs of its edge; 0 unless given. */
  readonly index?: number;
}): Pop {
  const { name, store, index = 0 } = init;
  return {
    name,
    identity: `cache-${name.toLowerCase()}${7000 + index}-${name}`,
    ip: `192.0.2.${index + 1}`,
    store,
    busy: new BusyKeys(),
    rates: new Map(),
  };
}
