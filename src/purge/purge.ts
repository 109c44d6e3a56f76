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

/** A purge that was sent once: what `purgeAgain` takes. */
export interface FirstPass {
  readonly order: PurgeOrder;
  /** When it began, in milliseconds since the epoch. */
  readonly beganAt: number;
}

/**
 * Time from the begin of the first pass to that of the second. A purge can overtake an origin read that began before the
 * write, and an edge can refill from a shield that is not purged yet; the second pass ends both (Fastly,
 * /learning/concepts/purging, race conditions).
 */
export const SECOND_PURGE_MS = 2_000;

/** Sends a purge now and once more about 2 s later. */
export async function purgeTwice(deps: PurgeDeps, order: PurgeOrder): Promise<void> {
  if (order.keys.length === 0) return;
  await purgeAgain(deps, await purgeOnce(deps, order));
}

/**
 * Sends a purge: from now on visitors get what is new. Everything, hard, also takes the call that needs no key: it
 * reaches what carries none. The purge is not done until `purgeAgain` has sent it again.
 */
export async function purgeOnce(deps: PurgeDeps, order: PurgeOrder): Promise<FirstPass> {
  deps.signal.throwIfAborted();
  const beganAt = deps.clock.now();
  if (order.keys.length > 0) await send(deps, order);
  return { order, beganAt };
}

/** The second pass: waits until `SECOND_PURGE_MS` have gone by since the first began, then sends the purge again. */
export async function purgeAgain(deps: PurgeDeps, first: FirstPass): Promise<void> {
  if (first.order.keys.length === 0) return;
  const left = first.beganAt + SECOND_PURGE_MS - deps.clock.now();
  // A clock that was put back meanwhile must not make the wait longer than the rule.
  if (left > 0) await deps.clock.sleep(Math.min(left, SECOND_PURGE_MS), deps.signal);
  await purgeOnce(deps, first.order);
}

async function send(deps: PurgeDeps, order: PurgeOrder): Promise<void> {
  const serviceId = await deps.serviceId();
  const everything = order.keys.includes(ALL_KEY);
  if (everything && !order.soft) await deps.purge.purgeAll({ serviceId });
  const keys = everything ? [ALL_KEY] : [...new Set(order.keys)].sort();
  await deps.purge.purgeKeys({ serviceId, keys, soft: order.soft });
}
