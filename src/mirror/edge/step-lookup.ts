import type { BackendRef } from "../../vcl/runtime.ts";
import type { CacheEntry } from "./cache-entry.ts";
import { endTurn, markStale, markState } from "./exchange.ts";
import type { Exchange, Product, Step } from "./exchange.ts";
import { judge } from "./staleness.ts";
import { runState } from "./state-run.ts";
import { fetchTransaction, isClustered } from "./transaction.ts";

/** Looks the object up, waiting for a fetch of the same key that is under way. */
export function lookup(x: Exchange): Step | Promise<Step> {
  x.node = isClustered(x) ? fetchTransaction(x.delivery) : x.delivery;
  x.passed = false;
  x.waited = false;
  const step = tryLookup(x);
  return step ?? waitAndLookup(x);
}

async function waitAndLookup(x: Exchange): Promise<Step> {
  for (;;) {
    x.waited = true;
    x.turn = await x.pop.busy.wait(x.key);
    const step = tryLookup(x);
    if (step !== null) {
      if (step !== "miss") endTurn(x, "shared");
      return step;
    }
  }
}

/** The next step, or `null` when another request is fetching the object. */
function tryLookup(x: Exchange): Step | null {
  const { delivery, pop } = x;
  const now = x.parts.clock.now();
  x.entry = null;
  x.stale = null;
  x.refresh = null;
  const found = delivery.hashAlwaysMiss ? null : pop.store.find(x.key, delivery.req.headers);
  if (found !== null) {
    const step = useEntry(x, found, now);
    if (step !== null) return step;
  }
  const staleExists = x.stale !== null && isDeliverable(x, x.stale);
  x.node.staleExists = staleExists;
  delivery.staleExists = staleExists;
  if (!delivery.hashIgnoreBusy && !delivery.hashAlwaysMiss) {
    x.turn ??= pop.busy.take(x.key);
    if (x.turn === null) return null;
  }
  return "miss";
}

/** A step when the entry decides it; `null` leaves it to a fetch. */
function useEntry(x: Exchange, found: CacheEntry, now: number): Step | null {
  if (found.hitForPass) {
    if (found.ttl(now) > 0) {
      markState(x, "HITPASS");
      x.passed = true;
      return "pass";
    }
    x.pop.store.remove(found);
    return null;
  }
  const verdict = judge(found, staleLimits(x), now);
  if (verdict === "usable" || verdict === "expired") {
    x.stale = found;
    return null;
  }
  x.entry = found;
  x.stale = verdict === "fresh" ? null : found;
  if (verdict === "fresh") markState(x, "HIT");
  else markStale(x, verdict === "revalidate" ? "revalidating" : "error");
  x.node.staleExists = x.stale !== null;
  x.delivery.staleExists = x.stale !== null;
  found.hits += 1;
  x.pop.store.touch(found);
  x.refresh = verdict === "revalidate" ? found : null;
  return "hit";
}

/** Whether `deliver_stale` may deliver it: within either stale window of object and request. */
export function isDeliverable(x: Exchange, entry: CacheEntry): boolean {
  const verdict = judge(entry, staleLimits(x), x.parts.clock.now());
  return verdict !== "expired" && !entry.hitForPass;
}

function staleLimits(x: Exchange): Parameters<typeof judge>[1] {
  const { delivery } = x;
  return {
    maxStaleWhileRevalidate: delivery.maxStaleWhileRevalidate,
    maxStaleIfError: delivery.maxStaleIfError,
    hashIgnoreBusy: delivery.hashIgnoreBusy,
    sick: () => isSick(x, delivery.backend),
  };
}

function isSick(x: Exchange, backend: BackendRef | null): boolean {
  return backend !== null && !x.delivery.host.isHealthy(backend);
}

/** vcl_hit. */
export function hit(x: Exchange): Step {
  const { entry, node } = x;
  if (entry === null) return "miss";
  const now = x.parts.clock.now();
  const view = entry.view(now);
  node.obj = view;
  const { ttl, staleIfError } = view;
  const action = runState(x, node, "hit");
  // Zero purges the stored object, and no other value has an effect (variables/cache-object/obj-ttl).
  if (view.ttl !== ttl && view.ttl <= 0) x.pop.store.remove(entry);
  else view.ttl = ttl;
  if (view.staleIfError !== staleIfError) entry.staleIfError = view.staleIfError;
  entry.lastUse = now;
  switch (action.do) {
    case "pass":
      x.passed = true;
      return "pass";
    case "error":
      return "error";
    case "restart":
      return "restart";
    default:
      x.product = productOf(entry, now, view);
      return "deliver";
  }
}

/** Instead of a response: the stale object, or 503 where there is none (guides/vcl/errors). */
export function deliverStale(x: Exchange): Step {
  const { stale } = x;
  endTurn(x, "private");
  if (x.reply !== null && x.reply.body.kind === "stream") x.reply.body.cancel();
  x.reply = null;
  if (stale === null || !isDeliverable(x, stale)) {
    x.failure = { status: 503, reason: "No stale object available" };
    return x.node.state === "error" ? "end" : "error";
  }
  const now = x.parts.clock.now();
  stale.hits += 1;
  x.pop.store.touch(stale);
  markStale(x, "error");
  x.product = productOf(stale, now, stale.view(now));
  return "deliver";
}

/** A stored object as what is to be delivered. */
export function productOf(entry: CacheEntry, now: number, view = entry.view(now)): Product {
  return {
    status: entry.status,
    reason: entry.reason,
    headers: entry.headers.clone(),
    body: entry.read(),
    age: entry.age(now),
    object: view,
    synthetic: false,
    esi: entry.esi,
    segment: entry.segment,
  };
}
