import type { VariableRow } from "../catalog-rows.ts";
import type { IpAddress } from "../ip.ts";
import { parseIp } from "../ip.ts";
import type { FactValue, Transaction } from "../runtime.ts";
import { integerFromNumber } from "../values.ts";
import { WORKSPACE_BYTES } from "../workspace.ts";
import {
  boolVariable,
  integerVariable,
  ipVariable,
  knownVariable,
  numberVariable,
  stringVariable,
} from "./rows.ts";

const TLS_STATES = "recv hash deliver log";

// ---- client, server, tls -------------------------------------------------------------------------------------

const ipCache = new Map<string, IpAddress | null>();

/** Parsing costs more than the whole condition around it, and a node sees the same addresses again and again. */
function ipOf(text: string): IpAddress | null {
  const known = ipCache.get(text);
  if (known !== undefined) return known;
  if (ipCache.size >= 1024) ipCache.clear();
  const parsed = parseIp(text);
  ipCache.set(text, parsed);
  return parsed;
}

/** A fixture's word goes before what the edge knows of the place. */
function givenGeo(t: Transaction, name: string): FactValue | undefined {
  if (t.facts === undefined) return t.client.geo.get(name);
  const fact = t.facts.get(name.startsWith("as.") ? `client.${name}` : `client.geo.${name}`);
  return fact ?? t.client.geo.get(name);
}

/** A plain string that a fixture may give. */
function factText(t: Transaction, name: string): string | undefined {
  const fact = t.facts?.get(name);
  return fact === undefined ? undefined : String(fact);
}

function geoText(t: Transaction, name: string): string | null {
  const value = givenGeo(t, name);
  return value === undefined ? null : String(value);
}

function geoNumber(t: Transaction, name: string): number {
  const value = givenGeo(t, name);
  return typeof value === "number" ? value : Number(value ?? 0);
}

const GEO_TEXT = [
  "conn_speed",
  "conn_type",
  "continent_code",
  "country_code",
  "country_code3",
  "postal_code",
  "proxy_description",
  "proxy_type",
];
const GEO_NAMES = ["city", "country_name", "region"];
const GEO_INTEGERS = ["area_code", "gmt_offset", "metro_code", "utc_offset"];
const GEO_FLOATS = ["latitude", "longitude"];

/** `client.geo.*` and its old name `geoip.*`. */
function geoRows(prefix: string, deprecated: string | undefined): readonly VariableRow[] {
  const fact = deprecated === undefined ? { fact: true as const } : { deprecated };
  const base = { category: "geolocation", read: "all", ...fact };
  const replaced = deprecated === undefined ? {} : { deprecated };
  const texts = [...GEO_TEXT, ...GEO_NAMES.flatMap((n) => [n, `${n}.ascii`, `${n}.latin1`, `${n}.utf8`])];
  return [
    ...texts.map((name) =>
      stringVariable(
        { ...base, name: `${prefix}.${name}` },
        { get: (t) => geoText(t, name) ?? geoText(t, name.replace(/\..*$/, "")) },
      ),
    ),
    ...GEO_INTEGERS.map((name) =>
      integerVariable(
        { ...base, name: `${prefix}.${name}` },
        { get: (t) => integerFromNumber(geoNumber(t, name)) },
      ),
    ),
    ...GEO_FLOATS.map((name) =>
      numberVariable("FLOAT", { ...base, name: `${prefix}.${name}` }, { get: (t) => geoNumber(t, name) }),
    ),
    stringVariable(
      { category: "geolocation", read: "all", name: `${prefix}.ip_override`, write: "all", ...replaced },
      { get: (t) => t.geoIpOverride ?? null, set: (t, v) => void (t.geoIpOverride = v) },
    ),
  ];
}

const CLIENT = { category: "client-connection", read: "all" };
const SERVER = { category: "server", read: "all" };
const TLS = { category: "client-connection", read: TLS_STATES, fact: true as const };

const connection: readonly VariableRow[] = [
  ipVariable({ ...CLIENT, name: "client.ip" }, (t) => ipOf(t.client.ip)),
  integerVariable({ ...CLIENT, name: "client.port" }, { get: (t) => BigInt(t.client.port) }),
  integerVariable({ ...CLIENT, name: "client.requests" }, { get: (t) => BigInt(t.client.requests) }),
  stringVariable(
    { ...CLIENT, name: "client.identity", write: "all" },
    {
      get: (t) => (t.clientIdentity === undefined ? t.client.ip : t.clientIdentity),
      set: (t, v) => void (t.clientIdentity = v),
    },
  ),
  integerVariable(
    { ...CLIENT, name: "client.as.number", fact: true },
    { get: (t) => integerFromNumber(geoNumber(t, "as.number")) },
  ),
  stringVariable({ ...CLIENT, name: "client.as.name", fact: true }, { get: (t) => geoText(t, "as.name") }),
  ...geoRows("client.geo", undefined),
  ...geoRows("geoip", "client.geo.*"),
  stringVariable({ ...SERVER, name: "server.hostname" }, { get: (t) => t.server.hostname }),
  stringVariable({ ...SERVER, name: "server.identity" }, { get: (t) => t.server.identity }),
  ipVariable({ ...SERVER, name: "server.ip" }, (t) => ipOf(t.server.ip)),
  integerVariable({ ...SERVER, name: "server.port" }, { get: (t) => BigInt(t.server.port) }),
  stringVariable({ ...SERVER, name: "server.datacenter" }, { get: (t) => t.server.datacenter }),
  stringVariable({ ...SERVER, name: "server.region" }, { get: (t) => t.server.region }),
  stringVariable({ ...SERVER, name: "server.billing_region" }, { get: (t) => t.server.region }),
  stringVariable({ ...SERVER, name: "server.pop" }, { get: (t) => t.server.pop }),
  stringVariable(
    { ...TLS, name: "tls.client.protocol" },
    { get: (t) => factText(t, "tls.client.protocol") ?? t.tls?.protocol ?? null },
  ),
  stringVariable(
    { ...TLS, name: "tls.client.cipher" },
    { get: (t) => factText(t, "tls.client.cipher") ?? t.tls?.cipher ?? null },
  ),
  stringVariable(
    { ...TLS, name: "tls.client.servername" },
    { get: (t) => factText(t, "tls.client.servername") ?? t.tls?.servername ?? null },
  ),
  stringVariable({ ...TLS, name: "transport.type" }, { get: (t) => factText(t, "transport.type") ?? "tcp" }),
];

// ---- fastly.*, fastly_info.*, workspace.* --------------------------------------------------------------------

const INFO = { category: "miscellaneous", read: "all" };

const platform: readonly VariableRow[] = [
  integerVariable(
    { ...INFO, name: "fastly.ff.visits_this_service" },
    { get: (t) => BigInt(t.visitsThisService) },
  ),
  integerVariable({ ...INFO, name: "fastly.ff.visits_this_pop" }, { get: (t) => BigInt(t.visitsThisPop) }),
  integerVariable(
    { ...INFO, name: "fastly.ff.visits_this_pop_this_service", read: "miss" },
    { get: (t) => BigInt(Math.min(t.visitsThisPop, t.visitsThisService)) },
  ),
  stringVariable(
    { ...INFO, name: "fastly.error", unset: "all" },
    { get: (t) => t.vclError, clear: (t) => void (t.vclError = null) },
  ),
  boolVariable({ ...INFO, name: "fastly.is_staging" }, { get: () => false }),
  boolVariable({ ...INFO, name: "fastly.ddos_detected", read: TLS_STATES }, { get: () => false }),
  stringVariable({ ...INFO, name: "fastly_info.state" }, { get: (t) => t.cacheState }),
  stringVariable(
    { ...INFO, category: "client-request", name: "fastly_info.host_header" },
    { get: (t) => t.originalHost },
  ),
  boolVariable({ ...CLIENT, name: "fastly_info.edge.is_tls" }, { get: (t) => t.edgeIsTls }),
  boolVariable({ ...CLIENT, name: "fastly_info.is_h2" }, { get: (t) => t.req.proto === "HTTP/2" }),
  boolVariable({ ...CLIENT, name: "fastly_info.is_h3" }, { get: (t) => t.req.proto === "HTTP/3" }),
  boolVariable(
    { category: "client-request", name: "fastly_info.h2.is_push", read: TLS_STATES },
    { get: () => false },
  ),
  boolVariable(
    { ...INFO, name: "fastly_info.is_cluster_edge", read: "deliver" },
    { get: (t) => t.isClusterEdge },
  ),
  boolVariable(
    { ...INFO, name: "fastly_info.is_cluster_shield", read: "miss fetch" },
    { get: (t) => t.isClusterShield },
  ),
  stringVariable({ ...INFO, name: "fastly_info.request_id", read: TLS_STATES }, { get: (t) => t.xid }),
  boolVariable({ ...INFO, category: "cache-object", name: "stale.exists" }, { get: (t) => t.staleExists }),
  integerVariable({ ...INFO, name: "workspace.bytes_total" }, { get: () => BigInt(WORKSPACE_BYTES) }),
  integerVariable(
    { ...INFO, name: "workspace.bytes_free" },
    { get: (t) => BigInt(Math.max(0, Math.floor(WORKSPACE_BYTES - t.workspaceUsed))) },
  ),
  boolVariable({ ...INFO, name: "workspace.overflowed" }, { get: (t) => t.workspaceUsed > WORKSPACE_BYTES }),
  stringVariable({ ...INFO, name: "LF" }, { get: () => "\n" }),
];

// ---- time ----------------------------------------------------------------------------------------------------

const TIME = { category: "client-request", read: "all" };
const TIME_END = { category: "client-request", read: "deliver log" };
const NOW = { category: "date-and-time", read: "all" };

/** `.sec`, `.msec`, `.usec` of an instant or duration as whole numbers, and the fractions with leading zeros. */
function timeParts(
  base: typeof TIME & { readonly name: string },
  read: (t: Transaction) => number,
): VariableRow[] {
  const micros = (t: Transaction): number => Math.round(read(t) * 1_000_000);
  const parts: readonly (readonly [string, (us: number) => string])[] = [
    ["sec", (us) => String(Math.floor(us / 1_000_000))],
    ["msec", (us) => String(Math.floor(us / 1000))],
    ["usec", (us) => String(us)],
    ["msec_frac", (us) => String(Math.floor((us % 1_000_000) / 1000)).padStart(3, "0")],
    ["usec_frac", (us) => String(us % 1_000_000).padStart(6, "0")],
  ];
  return parts.map(([part, print]) =>
    stringVariable({ ...base, name: `${base.name}.${part}` }, { get: (t) => print(micros(t)) }),
  );
}

function elapsed(t: Transaction): number {
  return Math.max(0, t.now - t.start);
}

const clock: readonly VariableRow[] = [
  numberVariable("TIME", { ...NOW, name: "now" }, { get: (t) => t.now }),
  stringVariable({ ...NOW, name: "now.sec" }, { get: (t) => String(Math.floor(t.now)) }),
  numberVariable("TIME", { ...TIME, name: "time.start" }, { get: (t) => t.start }),
  ...timeParts({ ...TIME, name: "time.start" }, (t) => t.start),
  numberVariable("RTIME", { ...TIME, name: "time.elapsed" }, { get: elapsed }),
  ...timeParts({ ...TIME, name: "time.elapsed" }, elapsed),
  numberVariable("TIME", { ...TIME_END, name: "time.end" }, { get: (t) => t.now }),
  ...timeParts({ ...TIME_END, name: "time.end" }, (t) => t.now),
  numberVariable(
    "RTIME",
    { ...TIME_END, category: "client-response", name: "time.to_first_byte" },
    { get: (t) => t.timeToFirstByte ?? 0 },
  ),
];

// ---- math constants ------------------------------------------------------------------------------------------

const MATH = { category: "math-constants-limits", read: "all" };

const FLOAT_CONSTANTS: Readonly<Record<string, number>> = {
  "1_PI": 1 / Math.PI,
  "2PI": 2 * Math.PI,
  "2_PI": 2 / Math.PI,
  "2_SQRTPI": 2 / Math.sqrt(Math.PI),
  E: Math.E,
  FLOAT_EPSILON: Number.EPSILON,
  FLOAT_MAX: Number.MAX_VALUE,
  FLOAT_MIN: 2.2250738585072014e-308,
  LN10: Math.LN10,
  LN2: Math.LN2,
  LOG10E: Math.LOG10E,
  LOG2E: Math.LOG2E,
  NAN: Number.NaN,
  NEG_HUGE_VAL: Number.NEGATIVE_INFINITY,
  NEG_INFINITY: Number.NEGATIVE_INFINITY,
  PHI: (1 + Math.sqrt(5)) / 2,
  PI: Math.PI,
  PI_2: Math.PI / 2,
  PI_4: Math.PI / 4,
  POS_HUGE_VAL: Number.POSITIVE_INFINITY,
  POS_INFINITY: Number.POSITIVE_INFINITY,
  SQRT1_2: Math.SQRT1_2,
  SQRT2: Math.SQRT2,
  TAU: 2 * Math.PI,
};

const INTEGER_CONSTANTS: Readonly<Record<string, bigint>> = {
  FLOAT_DIG: 15n,
  FLOAT_MANT_DIG: 53n,
  FLOAT_MAX_10_EXP: 308n,
  FLOAT_MAX_EXP: 1024n,
  FLOAT_MIN_10_EXP: -307n,
  FLOAT_MIN_EXP: -1021n,
  FLOAT_RADIX: 2n,
  INTEGER_BIT: 64n,
  INTEGER_MAX: 2n ** 63n - 1n,
  INTEGER_MIN: -(2n ** 63n),
};

const constants: readonly VariableRow[] = [
  ...Object.entries(FLOAT_CONSTANTS).map(([name, value]) =>
    numberVariable("FLOAT", { ...MATH, name: `math.${name}` }, { get: () => value }),
  ),
  ...Object.entries(INTEGER_CONSTANTS).map(([name, value]) =>
    integerVariable({ ...MATH, name: `math.${name}` }, { get: () => value }),
  ),
];

// ---- open families -------------------------------------------------------------------------------------------

const RE_GROUP = /^re\.group\.([0-9]{1,2})$/;
const COUNTER = /^ratecounter\.([A-Za-z0-9_-]+)\.(?:bucket\.([1-6]0)s|rate\.(1|10|60)s)$/;
const BACKEND_STATE =
  /^(?:backend\.[A-Za-z0-9_-]+\.(?:connections_open|connections_used|healthy)|director\.[A-Za-z0-9_-]+\.healthy)$/;

/** `re.group.0` … `re.group.20` after the last successful `~` (reference/vcl/regex). */
export function captureIndex(name: string): number | undefined {
  const match = RE_GROUP.exec(name);
  const index = Number(match?.[1]);
  return match !== null && index <= 20 ? index : undefined;
}

/**
 * `ratecounter.NAME.bucket.10s` and the like, of the entry that this request incremented last; 0 before it has done so
 * (reference/vcl/variables/rate-limiting).
 */
function counterVariable(name: string): VariableRow | undefined {
  const [, counter = "", bucket, rate] = COUNTER.exec(name) ?? [];
  if (counter === "") return undefined;
  const seconds = Number(bucket ?? rate);
  const count = (t: Transaction): number => {
    const entry = t.rateEntries?.get(counter);
    return entry === undefined ? 0 : t.host.rates.count(counter, entry, seconds);
  };
  const options = { category: "rate-limiting", read: "all", name };
  if (rate === undefined) return integerVariable(options, { get: (t) => BigInt(count(t)) });
  return numberVariable("FLOAT", options, { get: (t) => count(t) / seconds });
}

/** Rows of the families whose names a program makes up: captures, backends, rate counters. */
export function familyVariable(name: string): VariableRow | undefined {
  const group = captureIndex(name);
  if (group !== undefined) {
    const options = { category: "miscellaneous", read: "all", name: `re.group.${group}` };
    return stringVariable(options, { get: (t) => t.captures[group] ?? null });
  }
  const counter = counterVariable(name);
  if (counter !== undefined) return counter;
  if (!BACKEND_STATE.test(name) || name.startsWith("backend.conn.")) return undefined;
  const category = name.startsWith("director.") ? "miscellaneous" : "backend-connection";
  const options = { category, read: "all", name };
  return knownVariable(name.endsWith(".healthy") ? "BOOL" : "INTEGER", options);
}

/** Everything that is neither a message nor a capture. */
export const ENVIRONMENT_VARIABLES: readonly VariableRow[] = [
  ...connection,
  ...platform,
  ...clock,
  ...constants,
];
