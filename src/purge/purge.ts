import type { Clock } from "../lib/clock.ts";
import { ALL_KEY } from "../site/surrogate-keys.ts";
import type { PurgeApi } from "./purge-api.ts";

/** What sending a purge takes. */
export interface PurgeDeps {
  readonly purge: PurgeApi;
  /** Id of the environment's service; asked for only when a purge is sent. */
  readonly serviceId: () => Promise<string>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface PurgeOrder {
  /** Surrogate keys; `all` stands for the whole service. */
  readonly keys: readonly string[];
  readonly soft: boolean;
}

/**
 * Time between the two passes. A purge can overtake an origin read that began before the write, and an edge can refill
 * from a shield that is not purged yet; the second pass ends both (Fastly, /learning/concepts/purging, race conditions).
 */
export const SECOND_PURGE_MS = 2_000;

/** Sends a purge now and once more about 2 s later. */
export async function purgeTwice(deps: PurgeDeps, order: PurgeOrder): Promise<void> {
  if (order.keys.length === 0) return;
  await purgeOnce(deps, order);
  await deps.clock.sleep(SECOND_PURGE_MS, deps.signal);
  await purgeOnce(deps, order);
}

/** Sends a purge. Everything, hard, also takes the call that needs no key: it reaches what carries none. */
export async function purgeOnce(deps: PurgeDeps, order: PurgeOrder): Promise<void> {
  deps.signal.throwIfAborted();
  const serviceId = await deps.serviceId();
  const everything = order.keys.includes(ALL_KEY);
  if (everything && !order.soft) await deps.purge.purgeAll({ serviceId });
  const keys = everything ? [ALL_KEY] : [...new Set(order.keys)].sort();
  await deps.purge.purgeKeys({ serviceId, keys, soft: order.soft });
}
