import { createHash } from "node:crypto";
import type { FunctionRow } from "../catalog-rows.ts";
import type { Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { backend, defineFunction, integer, text } from "./rows.ts";
import { effectsOf } from "./variables-facts.ts";

const MISC = { category: "miscellaneous" };
const TRANSPORT = { category: "tls-and-http" };

/**
 * The shield when it is healthy and this request has not been there yet, else the fallback
 * (functions/miscellaneous/fastly-try-select-shield).
 */
function trySelectShield(t: Transaction, args: readonly VclValue[]): VclValue {
  const shield = backend(args[0]);
  const fallback = backend(args[1]);
  if (shield?.kind !== "director" || shield.spec.type !== "shield") return fallback;
  return t.host.isHealthy(shield) && !t.host.hasVisitedShield(shield.spec) ? shield : fallback;
}

/** The same number between two others, both included, for the same key and seed. */
function stableHash(args: readonly VclValue[]): bigint {
  const [from, to] = [integer(args[2]), integer(args[3])];
  const [low, high] = from <= to ? [from, to] : [to, from];
  const digest = createHash("sha256")
    .update(integer(args[1]).toString())
    .update(":")
    .update(Buffer.from(text(args[0]), "latin1"))
    .digest();
  return low + (digest.readBigUInt64BE() % (high - low + 1n));
}

/** `200,302` or `!500,503` against a status. */
function statusMatches(args: readonly VclValue[]): boolean {
  const list = text(args[1]);
  const negated = list.startsWith("!");
  const codes = (negated ? list.slice(1) : list).split(",").map((code) => code.trim());
  return codes.includes(integer(args[0]).toString()) !== negated;
}

/** HTTP/1.1 has neither server push nor header compression: nothing is done there (functions/tls-and-http/h2-push). */
function nothingToDo(): null {
  return null;
}

/** Only clients of HTTP/2 and later get a 103 (functions/tls-and-http/early-hints). */
function earlyHints(t: Transaction, args: readonly VclValue[]): null {
  const isOld = t.req.proto.startsWith("HTTP/1") || t.req.proto.startsWith("HTTP/0");
  if (!isOld) t.host.sendEarlyHints?.(args.map(text));
  return null;
}

/** The offer goes into the answer after vcl_deliver, whatever becomes of this response (functions/tls-and-http/h3-alt-svc). */
function offerHttp3(t: Transaction): null {
  if (t.req.proto !== "HTTP/3") effectsOf(t).altSvc = true;
  return null;
}

/** Bytes of a tarpit's chunk unless VCL says otherwise (functions/miscellaneous/resp-tarpit). */
const TARPIT_CHUNK = 100n;

function tarpit(t: Transaction, args: readonly VclValue[]): null {
  const seconds = integer(args[0]);
  const bytes = args[1] === undefined ? TARPIT_CHUNK : integer(args[1]);
  if (seconds < 0n || bytes <= 0n) {
    t.vclError = "EINVAL";
    return null;
  }
  effectsOf(t).tarpit = { intervalSeconds: Number(seconds), chunkBytes: Number(bytes) };
  return null;
}

/** What belongs to the platform rather than to a type. */
export const PLATFORM_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction("BACKEND fastly.try_select_shield(BACKEND shield, BACKEND fallback)", MISC, trySelectShield),
  defineFunction(
    "INTEGER fastly.hash(STRING key, INTEGER seed, INTEGER from, INTEGER to)",
    MISC,
    (_t, args) => stableHash(args),
  ),
  defineFunction("BOOL http_status_matches(INTEGER status, STRING fmt)", MISC, (_t, args) =>
    statusMatches(args),
  ),
  defineFunction("VOID h2.push(STRING resource, [STRING as])", TRANSPORT, nothingToDo),
  defineFunction("VOID h2.disable_header_compression(STRING... header)", TRANSPORT, nothingToDo),
  defineFunction("VOID h3.alt_svc()", TRANSPORT, offerHttp3),
  defineFunction("VOID early_hints(STRING... resource)", TRANSPORT, earlyHints),
  defineFunction(
    "VOID resp.tarpit(INTEGER interval_s, [INTEGER chunk_size_bytes])",
    { ...MISC, scopes: "deliver" },
    tarpit,
  ),
  defineFunction(
    "BOOL fastly.ff.last_hop_was_serviceid(STRING service_id)",
    MISC,
    (t, args) => t.host.wasLastHop?.(text(args[0])) ?? false,
  ),
];
