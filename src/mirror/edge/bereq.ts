import type { HeaderList } from "../../http/header-list.ts";
import type { RequestMessage } from "../../vcl/runtime.ts";
import { checkHeaderCount } from "../../vcl/workspace.ts";
import { revalidationHeaders } from "./conditional.ts";
import type { Exchange } from "./exchange.ts";
import { appendHop } from "./hop-chain.ts";
import { endToEndHeaders } from "./hop-by-hop.ts";
import { rangeOfBlock } from "./segments.ts";

/** A client's conditions and ranges: they are about its own copy, never about the object to be cached. */
export const CLIENT_CONDITIONS = [
  "If-Match",
  "If-Modified-Since",
  "If-None-Match",
  "If-Range",
  "If-Unmodified-Since",
  "Range",
] as const;

/**
 * `bereq` as vcl_miss finds it: a GET for the whole object, also where the client sent HEAD; with the validators of
 * a stale object where there is one; only the range of a block where the object is cached in segments. URL and Host
 * as they are in `req`.
 */
export function missRequest(x: Exchange): RequestMessage {
  const headers = outgoingHeaders(x);
  for (const name of CLIENT_CONDITIONS) headers.unset(name);
  headers.unset("Content-Length");
  const validators = x.stale === null ? [] : revalidationHeaders(x.stale.headers);
  for (const [name, value] of validators) headers.set(name, value);
  if (x.segments !== null) headers.set("Range", rangeOfBlock(x.segments.block));
  const { req } = x.node;
  return { method: req.method === "HEAD" ? "GET" : req.method, url: req.url, proto: "HTTP/1.1", headers };
}

/** `bereq` as vcl_pass finds it: the request as it is; its range only where `req.enable_range_on_pass` is set. */
export function passRequest(x: Exchange): RequestMessage {
  const headers = outgoingHeaders(x);
  if (x.segments !== null) {
    // The client's conditions are about the whole answer, this is one block of it.
    for (const name of CLIENT_CONDITIONS) headers.unset(name);
    headers.set("Range", rangeOfBlock(x.segments.block));
  } else if (!x.node.enableRangeOnPass) {
    headers.unset("Range");
    headers.unset("If-Range");
  }
  const { body } = x.request;
  if (body === null || body.kind === "bytes") headers.unset("Content-Length");
  const { req } = x.node;
  const method = req.method === "FASTLYPURGE" ? "PURGE" : req.method;
  return { method, url: req.url, proto: "HTTP/1.1", headers };
}

/**
 * The request that goes to a backend with `return(upgrade)`: as it is in `req`, since no subroutine runs in between
 * (guides/concepts/real-time-messaging/websockets-tunnel).
 */
export function upgradeRequest(x: Exchange): RequestMessage {
  const { req } = x.delivery;
  const headers = outgoingHeaders(x);
  const { body } = x.request;
  if (body === null || body.kind === "bytes") headers.unset("Content-Length");
  return { method: req.method, url: req.url, proto: "HTTP/1.1", headers };
}

function outgoingHeaders(x: Exchange): HeaderList {
  const headers = endToEndHeaders(x.node.req.headers);
  headers.unset("Expect");
  headers.unset("Fastly-Cookie-Overflow");
  appendHop(headers, { pop: x.pop, serviceId: x.service.active.id, parts: x.parts });
  const loop = headers.getAll("CDN-Loop");
  headers.set("CDN-Loop", [...loop, "Fastly"].join(", "));
  headers.set("X-Varnish", x.node.xid);
  checkHeaderCount(headers, "request");
  return headers;
}

/** Whether the request as VCL left it still asks only for changes against the stale object. */
export function isRevalidation(x: Exchange): boolean {
  if (x.stale === null || x.passed || x.node.bereq === null) return false;
  const { headers } = x.node.bereq;
  return revalidationHeaders(x.stale.headers).some(([name, value]) => headers.get(name) === value);
}
