import { createHash } from "node:crypto";
import type { FunctionRow } from "../catalog-rows.ts";
import type { Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { backend, defineFunction, integer, text } from "./rows.ts";

const MISC = { category: "miscellaneous" };
const BEFORE_LOG = { category: "miscellaneous", scopes: "recv hash hit miss pass fetch error deliver" };

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

/**
 * The edge here speaks HTTP/1.1 only, where server push and header compression do not exist: Fastly too does nothing
 * on such a connection (functions/tls-and-http/h2-push).
 */
function nothingOnHttp1(): null {
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
  defineFunction("VOID h2.push(STRING resource, [STRING as])", BEFORE_LOG, nothingOnHttp1),
  defineFunction("VOID h2.disable_header_compression(STRING... header)", BEFORE_LOG, nothingOnHttp1),
  defineFunction("VOID h3.alt_svc()", BEFORE_LOG),
  defineFunction("VOID early_hints(STRING... resource)", BEFORE_LOG),
  defineFunction("VOID resp.tarpit(INTEGER interval_s, [INTEGER chunk_size_bytes])", {
    ...MISC,
    scopes: "deliver",
  }),
  defineFunction("BOOL fastly.ff.last_hop_was_serviceid(STRING service_id)", MISC),
];
