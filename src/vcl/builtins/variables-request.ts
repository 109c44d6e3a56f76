import { assertNever } from "../../lib/errors.ts";
import type { VariableRow } from "../catalog-rows.ts";
import { parseIp } from "../ip.ts";
import type { BackendTimeouts, RequestMessage, Transaction } from "../runtime.ts";
import { urlBasename, urlDirname, urlExtension, urlPath, urlQuery } from "../url-parts.ts";
import { backendName, integerFromNumber } from "../values.ts";
import { chargeWorkspace } from "../workspace.ts";
import {
  backendVariable,
  boolVariable,
  integerVariable,
  ipVariable,
  numberVariable,
  stringVariable,
} from "./rows.ts";

const REQ = { category: "client-request", read: "all" };
const FLAG = { category: "client-request", read: "recv", write: "recv" };
const CONTROL = { category: "client-request", read: "all", write: "all" };
const BEREQ = { category: "backend-request", read: "miss pass fetch" };
const TIMEOUT = { category: "backend-connection", read: "miss pass", write: "miss pass" };

function latin1ToBase64(text: string): string {
  return Buffer.from(text, "latin1").toString("base64");
}

function setUrl(t: Transaction, message: RequestMessage | null, url: string | null): void {
  if (message === null) return;
  const value = url ?? "";
  chargeWorkspace(t, value.length + 1);
  message.url = value;
}

const urlParts: readonly (readonly [string, (url: string) => string])[] = [
  ["path", urlPath],
  ["qs", urlQuery],
  ["basename", urlBasename],
  ["dirname", urlDirname],
  ["ext", urlExtension],
];

const requestLine: readonly VariableRow[] = [
  stringVariable(
    { ...REQ, name: "req.url", write: "all" },
    { get: (t) => t.req.url, set: (t, v) => setUrl(t, t.req, v) },
  ),
  ...urlParts.map(([part, read]) =>
    stringVariable({ ...REQ, name: `req.url.${part}` }, { get: (t) => read(t.req.url) }),
  ),
  stringVariable({ ...REQ, category: "esi", name: "req.topurl" }, { get: (t) => t.topUrl ?? t.req.url }),
  ...["req.method", "req.request"].map((name) =>
    stringVariable(
      { ...REQ, name, write: "all", ...(name === "req.request" ? { deprecated: "req.method" } : {}) },
      { get: (t) => t.req.method, set: (t, v) => void (t.req.method = v ?? "") },
    ),
  ),
  stringVariable({ ...REQ, name: "req.proto" }, { get: (t) => t.req.proto }),
  stringVariable(
    { ...REQ, category: "client-connection", name: "req.protocol" },
    { get: (t) => (t.edgeIsTls ? "https" : "http") },
  ),
  boolVariable(
    { ...REQ, category: "client-connection", name: "req.is_ssl", deprecated: "req.protocol" },
    { get: (t) => t.edgeIsTls },
  ),
  stringVariable({ ...REQ, name: "req.body" }, { get: (t) => t.requestBody }),
  stringVariable({ ...REQ, name: "req.postbody", deprecated: "req.body" }, { get: (t) => t.requestBody }),
  stringVariable({ ...REQ, name: "req.body.base64" }, { get: (t) => latin1ToBase64(t.requestBody) }),
  integerVariable({ ...REQ, name: "req.header_bytes_read" }, { get: (t) => BigInt(headerBytesRead(t)) }),
  integerVariable(
    { ...REQ, name: "req.body_bytes_read", read: "deliver log" },
    { get: (t) => BigInt(t.requestBodyBytes) },
  ),
  integerVariable(
    { ...REQ, name: "req.bytes_read", read: "deliver log" },
    { get: (t) => BigInt(t.requestBodyBytes + headerBytesRead(t)) },
  ),
];

function headerBytesRead(t: Transaction): number {
  const { method, url, proto, headers } = t.req;
  return method.length + url.length + proto.length + 4 + headers.bytes + 2;
}

const requestState: readonly VariableRow[] = [
  stringVariable({ ...REQ, name: "req.xid" }, { get: (t) => t.xid }),
  integerVariable({ ...REQ, category: "server", name: "req.restarts" }, { get: (t) => BigInt(t.restarts) }),
  stringVariable({ ...REQ, category: "miscellaneous", name: "req.service_id" }, { get: (t) => t.serviceId }),
  stringVariable(
    { ...REQ, category: "miscellaneous", name: "req.customer_id" },
    { get: (t) => t.customerId ?? null },
  ),
  stringVariable(
    { ...REQ, category: "miscellaneous", name: "req.vcl" },
    { get: (t) => `${t.serviceId}.${t.serviceVersion}` },
  ),
  integerVariable(
    { ...REQ, category: "miscellaneous", name: "req.vcl.version" },
    { get: (t) => BigInt(t.serviceVersion) },
  ),
  integerVariable(
    { ...REQ, category: "miscellaneous", name: "req.vcl.generation" },
    { get: (t) => BigInt(t.generation) },
  ),
  stringVariable(
    { ...REQ, category: "miscellaneous", name: "req.vcl.md5" },
    { get: (t) => t.vclMd5 ?? null },
  ),
  stringVariable({ ...REQ, category: "cache-object", name: "req.digest" }, { get: (t) => t.digest ?? null }),
  numberVariable(
    "FLOAT",
    {
      ...REQ,
      category: "cache-object",
      name: "req.digest.ratio",
      read: "hit miss pass fetch error deliver log",
    },
    { get: (t) => digestRatio(t.digest ?? "") },
  ),
  stringVariable(
    { ...REQ, category: "cache-object", name: "req.hash", read: "none", write: "hash error" },
    { get: (t) => t.hash, set: (t, v) => void (t.hash = v ?? "") },
  ),
  boolVariable(
    { ...REQ, category: "client-connection", name: "req.is_ipv6", read: "recv hash deliver log" },
    { get: (t) => t.client.ip.includes(":") },
  ),
  boolVariable({ ...REQ, name: "req.is_purge", read: "recv hash deliver log" }, { get: (t) => t.isPurge }),
  boolVariable({ ...REQ, category: "server", name: "req.is_clustering" }, { get: (t) => t.isClusterShield }),
  boolVariable({ ...REQ, name: "req.is_background_fetch" }, { get: (t) => t.isBackgroundFetch ?? false }),
  boolVariable({ ...REQ, category: "esi", name: "req.is_esi_subreq" }, { get: (t) => t.esiLevel > 0 }),
  integerVariable(
    { ...REQ, category: "esi", name: "req.esi_level", read: "recv deliver" },
    { get: (t) => BigInt(t.esiLevel) },
  ),
];

/** Between 0 and 1 by the first 52 bits of the digest, the same for an object wherever it is asked for. */
function digestRatio(digest: string): number {
  const head = Number.parseInt(digest.slice(0, 13), 16);
  return Number.isNaN(head) ? 0 : head / (16 ** 13 - 1);
}

const staleBound = (key: "maxStaleIfError" | "maxStaleWhileRevalidate") => ({
  get: (t: Transaction): number => t[key] ?? Number.MAX_SAFE_INTEGER,
  set: (t: Transaction, v: number): void => void (t[key] = v),
});

const requestControl: readonly VariableRow[] = [
  boolVariable(
    { ...FLAG, name: "req.hash_always_miss" },
    { get: (t) => t.hashAlwaysMiss, set: (t, v) => void (t.hashAlwaysMiss = v) },
  ),
  boolVariable(
    { ...FLAG, name: "req.hash_ignore_busy" },
    { get: (t) => t.hashIgnoreBusy, set: (t, v) => void (t.hashIgnoreBusy = v) },
  ),
  boolVariable(
    { ...FLAG, name: "req.enable_range_on_pass" },
    { get: (t) => t.enableRangeOnPass, set: (t, v) => void (t.enableRangeOnPass = v) },
  ),
  boolVariable(
    { ...FLAG, name: "req.enable_segmented_caching" },
    { get: (t) => t.enableSegmentedCaching, set: (t, v) => void (t.enableSegmentedCaching = v) },
  ),
  boolVariable(
    {
      ...CONTROL,
      category: "esi",
      name: "req.esi",
      read: "recv fetch error deliver",
      write: "recv fetch error deliver",
    },
    { get: (t) => t.esi, set: (t, v) => void (t.esi = v) },
  ),
  numberVariable(
    "RTIME",
    { ...CONTROL, category: "server", name: "req.max_stale_if_error" },
    staleBound("maxStaleIfError"),
  ),
  numberVariable(
    "RTIME",
    { ...CONTROL, category: "server", name: "req.grace", deprecated: "req.max_stale_if_error" },
    staleBound("maxStaleIfError"),
  ),
  numberVariable(
    "RTIME",
    { ...CONTROL, category: "server", name: "req.max_stale_while_revalidate" },
    staleBound("maxStaleWhileRevalidate"),
  ),
];

function isOrigin(t: Transaction): boolean {
  return t.backend !== null && !isShield(t);
}

function isShield(t: Transaction): boolean {
  return t.backend !== null && t.backend.kind === "director" && t.backend.spec.type === "shield";
}

/** The backend a director came down to is known after the fetch only. */
function usedBackend(t: Transaction): {
  readonly name: string;
  readonly ip: string | null;
  readonly port: number | null;
} {
  if (t.beresp !== null) return t.beresp.backend;
  if (t.backend === null) return { name: "", ip: null, port: null };
  return {
    name: backendName(t.backend),
    ip: null,
    port: t.backend.kind === "backend" ? t.backend.spec.port : null,
  };
}

const requestBackend: readonly VariableRow[] = [
  backendVariable(
    { ...CONTROL, category: "backend-connection", name: "req.backend" },
    { get: (t) => t.backend, set: (t, v) => void (t.backend = v) },
  ),
  boolVariable(
    { ...REQ, category: "backend-connection", name: "req.backend.healthy" },
    { get: (t) => t.backend !== null && t.host.isHealthy(t.backend) },
  ),
  boolVariable(
    { category: "backend-connection", name: "req.backend.is_origin", read: "miss pass fetch" },
    { get: isOrigin },
  ),
  boolVariable(
    { category: "backend-connection", name: "req.backend.is_shield", read: "all" },
    { get: isShield },
  ),
  boolVariable(
    { category: "backend-connection", name: "req.backend.is_cluster", read: "deliver" },
    { get: (t) => t.isClusterEdge },
  ),
  stringVariable(
    {
      ...REQ,
      category: "miscellaneous",
      name: "req.backend.name",
      read: "error deliver log",
      deprecated: "beresp.backend.name",
    },
    { get: (t) => usedBackend(t).name },
  ),
  ipVariable(
    {
      ...REQ,
      category: "miscellaneous",
      name: "req.backend.ip",
      read: "error deliver log",
      deprecated: "beresp.backend.ip",
    },
    (t) => {
      const { ip } = usedBackend(t);
      return ip === null ? null : parseIp(ip);
    },
  ),
  integerVariable(
    { ...REQ, category: "miscellaneous", name: "req.backend.port", read: "error deliver log" },
    { get: (t) => BigInt(usedBackend(t).port ?? 0) },
  ),
];

const readBereq = (read: (message: RequestMessage) => string) => (t: Transaction) =>
  t.bereq === null ? null : read(t.bereq);

function writeBereq(write: (message: RequestMessage, value: string) => void) {
  return (t: Transaction, value: string | null): void => {
    if (t.bereq !== null) write(t.bereq, value ?? "");
  };
}

const backendRequest: readonly VariableRow[] = [
  stringVariable(
    { ...BEREQ, name: "bereq.url", write: "miss pass fetch" },
    { get: readBereq((m) => m.url), set: (t, v) => setUrl(t, t.bereq, v) },
  ),
  ...urlParts.map(([part, read]) =>
    stringVariable({ ...BEREQ, name: `bereq.url.${part}` }, { get: readBereq((m) => read(m.url)) }),
  ),
  ...["bereq.method", "bereq.request"].map((name) =>
    stringVariable(
      {
        ...BEREQ,
        name,
        write: "miss pass fetch",
        ...(name === "bereq.request" ? { deprecated: "bereq.method" } : {}),
      },
      { get: readBereq((m) => m.method), set: writeBereq((m, v) => void (m.method = v)) },
    ),
  ),
  stringVariable({ ...BEREQ, name: "bereq.proto" }, { get: readBereq((m) => m.proto) }),
  boolVariable({ ...BEREQ, name: "bereq.is_clustering", read: "all" }, { get: (t) => t.isClusterEdge }),
  integerVariable(
    { ...BEREQ, name: "bereq.header_bytes_written", read: "fetch deliver log" },
    { get: (t) => BigInt(bereqBytes(t)) },
  ),
  integerVariable(
    { ...BEREQ, name: "bereq.body_bytes_written", read: "fetch deliver log" },
    { get: (t) => (t.bereq === null ? 0n : BigInt(t.requestBodyBytes)) },
  ),
  integerVariable(
    { ...BEREQ, name: "bereq.bytes_written", read: "fetch deliver log" },
    { get: (t) => (t.bereq === null ? 0n : integerFromNumber(bereqBytes(t) + t.requestBodyBytes)) },
  ),
];

function bereqBytes(t: Transaction): number {
  if (t.bereq === null) return 0;
  const { method, url, proto, headers } = t.bereq;
  return method.length + url.length + proto.length + 4 + headers.bytes + 2;
}

/** What the backend would wait when VCL says nothing. */
function backendDefault(t: Transaction, key: keyof BackendTimeouts): number {
  const spec = t.backend !== null && t.backend.kind === "backend" ? t.backend.spec : null;
  switch (key) {
    case "connect":
      return spec?.connectTimeout ?? 1;
    case "firstByte":
      return spec?.firstByteTimeout ?? 15;
    case "betweenBytes":
      return spec?.betweenBytesTimeout ?? 10;
    case "fetch":
      return 0;
    default:
      return assertNever(key);
  }
}

function timeout(name: string, key: keyof BackendTimeouts): VariableRow {
  return numberVariable(
    "RTIME",
    { ...TIMEOUT, name },
    {
      get: (t) => t.backendTimeouts?.[key] ?? backendDefault(t, key),
      set: (t, v) => void (t.backendTimeouts = { ...t.backendTimeouts, [key]: v }),
    },
  );
}

/** `req.*` and `bereq.*` without the headers. */
export const REQUEST_VARIABLES: readonly VariableRow[] = [
  ...requestLine,
  ...requestState,
  ...requestControl,
  ...requestBackend,
  ...backendRequest,
  timeout("bereq.connect_timeout", "connect"),
  timeout("bereq.first_byte_timeout", "firstByte"),
  timeout("bereq.between_bytes_timeout", "betweenBytes"),
  timeout("bereq.fetch_timeout", "fetch"),
];
