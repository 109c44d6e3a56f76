import { HeaderList } from "../../http/header-list.ts";
import { assertNever } from "../../lib/errors.ts";
import { checkHeaderCount } from "../../vcl/workspace.ts";
import { bodyOf } from "./body.ts";
import { cacheKey } from "./cache-key.ts";
import type { Exchange, Product, Step } from "./exchange.ts";
import { runState } from "./state-run.ts";
import { cloneRequest } from "./transaction.ts";

/** vcl_recv. What it decides happens after vcl_hash, also for pass and error (reference/vcl/subroutines/recv). */
export function receive(x: Exchange): Step {
  x.node = x.delivery;
  // What came in and what Fastly adds, before any VCL (reference/vcl/constraints-and-limitations).
  checkHeaderCount(x.delivery.req.headers, "request");
  const action = runState(x, x.delivery, "recv");
  switch (action.do) {
    case "lookup":
      x.decided = x.delivery.isPurge ? "purge" : "lookup";
      return "hash";
    case "pass":
      x.decided = "pass";
      return "hash";
    case "error":
      x.decided = "error";
      return "hash";
    case "upgrade":
      return "upgrade";
    default:
      return "restart";
  }
}

/** vcl_hash, then what vcl_recv decided. */
export function hash(x: Exchange): Step {
  x.delivery.hash = "";
  x.segments = null;
  runState(x, x.delivery, "hash");
  x.key = cacheKey(x.service.active.id, x.delivery.hash);
  switch (x.decided) {
    case "lookup":
      return wantsSegments(x) ? "segments" : "lookup";
    case "purge":
      return "purge";
    case "pass":
      x.passed = true;
      return "pass";
    case "error":
      return "error";
    default:
      return assertNever(x.decided);
  }
}

/** `req.enable_segmented_caching`, for what can be a range at all. */
function wantsSegments(x: Exchange): boolean {
  const { req, enableSegmentedCaching } = x.delivery;
  return enableSegmentedCaching && (req.method === "GET" || req.method === "HEAD");
}

/**
 * A purge by URL: removes the object under the key that the service's own vcl_hash made, on every POP, also on those that
 * a purge-all has not reached yet, whose key has the generation before. With Fastly-Purge-Requires-Auth set by VCL, only
 * for a token that may purge (guides: authenticating URL purge requests).
 */
export function purge(x: Exchange): Step {
  const { headers } = x.delivery.req;
  const guarded = headers.has("Fastly-Purge-Requires-Auth") && !x.request.trustedPurge;
  if (guarded && !x.parts.mayPurge(headers.get("Fastly-Key") ?? "", x.service.active.id)) {
    x.product = purgeProduct(401, `{"msg":"Provided credentials are missing or invalid"}\n`);
    return "deliver";
  }
  const isSoft = headers.get("Fastly-Soft-Purge") === "1";
  for (const key of keysAtPops(x)) x.parts.purgeObject(key, isSoft);
  x.product = purgeProduct(200, `{"status":"ok","id":"${x.delivery.xid}"}\n`);
  return "deliver";
}

/** The key that this request has at each POP: another one only where a POP's generation is another. */
function keysAtPops(x: Exchange): ReadonlySet<string> {
  const { delivery, service, parts } = x;
  const keys = new Set([x.key]);
  for (const generation of parts.generations.inUse(service.active.id)) {
    if (generation === delivery.generation) continue;
    const there = { ...delivery, req: cloneRequest(delivery.req), generation, hash: "" };
    service.active.program.run("hash", there);
    keys.add(cacheKey(service.active.id, there.hash));
  }
  return keys;
}

function purgeProduct(status: number, text: string): Product {
  const headers = HeaderList.from([["Content-Type", "application/json"]]);
  const reason = status === 200 ? "OK" : "Unauthorized";
  return {
    status,
    reason,
    headers,
    body: bodyOf(text),
    age: 0,
    object: emptyObject(status, reason),
    synthetic: true,
    esi: false,
    segment: null,
  };
}

/** `obj` where no cached object stands behind it. */
export function emptyObject(status: number, reason: string): Product["object"] {
  return {
    status,
    reason,
    proto: "HTTP/1.1",
    headers: new HeaderList(),
    ttl: 0,
    staleIfError: 0,
    staleWhileRevalidate: 0,
    cacheable: false,
    hits: 0,
    age: 0,
    lastUse: 0,
    entered: 0,
  };
}
