import { reasonOf } from "../../http/status-reasons.ts";
import type { VariableRow } from "../catalog-rows.ts";
import { parseIp } from "../ip.ts";
import type { BackendResponse, CachedObject, ResponseMessage, Transaction } from "../runtime.ts";
import { integerFromNumber } from "../values.ts";
import { boolVariable, integerVariable, ipVariable, numberVariable, stringVariable } from "./rows.ts";

const BERESP = { category: "backend-response", read: "fetch", write: "fetch" };
const OBJ = { category: "cache-object" };
const RESP = { category: "client-response", read: "deliver log" };

function toStatus(value: bigint): number {
  return Number(value);
}

// ---- beresp --------------------------------------------------------------------------------------------------

type BerespFlag = "cacheable" | "gzip" | "brotli" | "esi" | "stream" | "pci";
type BerespTime = "ttl" | "staleIfError" | "staleWhileRevalidate" | "saintmode";

function berespFlag(
  name: string,
  key: BerespFlag,
  options: { readonly deprecated?: string; readonly category?: string } = {},
): VariableRow {
  return boolVariable(
    { ...BERESP, name, ...options },
    {
      get: (t) => t.beresp !== null && t.beresp[key],
      set: (t, v) => {
        if (t.beresp !== null) t.beresp[key] = v;
      },
    },
  );
}

function berespTime(
  name: string,
  key: BerespTime,
  options: { readonly deprecated?: string; readonly read?: string } = {},
): VariableRow {
  return numberVariable(
    "RTIME",
    { ...BERESP, name, ...options },
    {
      get: (t) => (t.beresp === null ? 0 : t.beresp[key]),
      set: (t, v) => {
        if (t.beresp !== null) t.beresp[key] = v;
      },
    },
  );
}

function ofBeresp<T>(t: Transaction, read: (beresp: BackendResponse) => T, otherwise: T): T {
  return t.beresp === null ? otherwise : read(t.beresp);
}

const AFTER_FETCH = { category: "backend-response", read: "fetch error deliver log" };

const backendResponse: readonly VariableRow[] = [
  ...statusLine("beresp", (t) => t.beresp, { category: "backend-response", read: "fetch", write: "fetch" }),
  berespTime("beresp.ttl", "ttl"),
  berespTime("beresp.stale_if_error", "staleIfError"),
  berespTime("beresp.grace", "staleIfError", { deprecated: "beresp.stale_if_error" }),
  berespTime("beresp.stale_while_revalidate", "staleWhileRevalidate"),
  berespTime("beresp.saintmode", "saintmode", { read: "none" }),
  berespFlag("beresp.cacheable", "cacheable"),
  berespFlag("beresp.gzip", "gzip"),
  berespFlag("beresp.brotli", "brotli"),
  berespFlag("beresp.do_esi", "esi", { category: "esi" }),
  berespFlag("beresp.do_stream", "stream"),
  berespFlag("beresp.pci", "pci"),
  berespFlag("beresp.hipaa", "pci", { deprecated: "beresp.pci" }),
  stringVariable(
    { ...AFTER_FETCH, name: "beresp.backend.name" },
    { get: (t) => ofBeresp(t, (b) => b.backend.name, null) },
  ),
  stringVariable({ ...AFTER_FETCH, name: "beresp.backend.host" }, { get: backendHost }),
  ipVariable({ ...AFTER_FETCH, category: "backend-connection", name: "beresp.backend.ip" }, (t) => {
    const ip = ofBeresp(t, (b) => b.backend.ip, null);
    return ip === null ? null : parseIp(ip);
  }),
  integerVariable(
    { ...AFTER_FETCH, category: "backend-connection", name: "beresp.backend.port", read: "fetch" },
    { get: (t) => BigInt(ofBeresp(t, (b) => b.backend.port, null) ?? 0) },
  ),
  ipVariable(
    { ...AFTER_FETCH, category: "backend-connection", name: "beresp.backend.src_ip", read: "all" },
    (t) => parseIp(t.server.ip),
  ),
  boolVariable(
    { category: "backend-connection", name: "backend.conn.is_tls", read: "fetch" },
    { get: (t) => (t.backend?.kind === "backend" ? t.backend.spec.ssl : t.backend?.spec.type === "shield") },
  ),
  boolVariable(
    {
      ...AFTER_FETCH,
      category: "backend-connection",
      name: "beresp.used_alternate_path_to_origin",
      read: "fetch",
    },
    { get: () => false },
  ),
  stringVariable(
    { ...AFTER_FETCH, category: "backend-connection", name: "beresp.backend.alternate_ips", read: "fetch" },
    { get: () => null },
  ),
];

function backendHost(t: Transaction): string | null {
  return t.backend !== null && t.backend.kind === "backend" ? t.backend.spec.host : null;
}

// ---- obj -----------------------------------------------------------------------------------------------------

function ofObject<T>(t: Transaction, read: (obj: CachedObject) => T, otherwise: T): T {
  return t.obj === null ? otherwise : read(t.obj);
}

const SEEN = "hit error deliver log";

const cachedObject: readonly VariableRow[] = [
  ...statusLine("obj", (t) => t.obj, { category: "cache-object", read: "hit error", write: "error" }),
  numberVariable(
    "RTIME",
    { ...OBJ, name: "obj.ttl", read: "hit error log", write: "hit error" },
    {
      get: (t) => ofObject(t, (o) => o.ttl, 0),
      set: (t, v) => {
        if (t.obj !== null) t.obj.ttl = v;
      },
    },
  ),
  numberVariable(
    "RTIME",
    { ...OBJ, name: "obj.stale_if_error", read: "hit error log" },
    {
      get: (t) => ofObject(t, (o) => o.staleIfError, 0),
    },
  ),
  numberVariable(
    "RTIME",
    {
      ...OBJ,
      name: "obj.grace",
      read: "hit error log",
      write: "hit error",
      deprecated: "obj.stale_if_error",
    },
    {
      get: (t) => ofObject(t, (o) => o.staleIfError, 0),
      set: (t, v) => {
        if (t.obj !== null) t.obj.staleIfError = v;
      },
    },
  ),
  numberVariable(
    "RTIME",
    { ...OBJ, name: "obj.stale_while_revalidate", read: "hit error log" },
    {
      get: (t) => ofObject(t, (o) => o.staleWhileRevalidate, 0),
    },
  ),
  boolVariable(
    { ...OBJ, name: "obj.cacheable", read: "hit" },
    { get: (t) => ofObject(t, (o) => o.cacheable, false) },
  ),
  boolVariable({ ...OBJ, name: "obj.is_pci", read: SEEN }, { get: () => false }),
  integerVariable(
    { ...OBJ, name: "obj.hits", read: "hit deliver log" },
    { get: (t) => BigInt(ofObject(t, (o) => o.hits, 0)) },
  ),
  numberVariable(
    "RTIME",
    { ...OBJ, name: "obj.age", read: SEEN },
    { get: (t) => ofObject(t, (o) => o.age, 0) },
  ),
  numberVariable(
    "RTIME",
    { ...OBJ, name: "obj.entered", read: SEEN },
    { get: (t) => ofObject(t, (o) => o.entered, 0) },
  ),
  numberVariable(
    "RTIME",
    { ...OBJ, name: "obj.lastuse", read: SEEN },
    { get: (t) => ofObject(t, (o) => o.lastUse, 0) },
  ),
];

// ---- resp ----------------------------------------------------------------------------------------------------

const clientResponse: readonly VariableRow[] = [
  ...statusLine("resp", (t) => t.resp, {
    category: "client-response",
    read: "deliver log",
    write: "deliver log",
  }),
  boolVariable({ ...RESP, name: "resp.is_locally_generated" }, { get: (t) => t.isLocallyGenerated }),
  integerVariable(
    { ...RESP, name: "resp.body_bytes_written", read: "log" },
    { get: (t) => integerFromNumber(t.bodyBytesWritten) },
  ),
  integerVariable(
    { ...RESP, name: "resp.header_bytes_written", read: "log" },
    { get: (t) => integerFromNumber(t.headerBytesWritten) },
  ),
  integerVariable(
    { ...RESP, name: "resp.bytes_written", read: "log" },
    { get: (t) => integerFromNumber(t.headerBytesWritten + t.bodyBytesWritten) },
  ),
  boolVariable({ ...RESP, name: "resp.completed", read: "log" }, { get: (t) => t.completed ?? true }),
  boolVariable(
    { ...RESP, category: "miscellaneous", name: "resp.stale", read: "all" },
    { get: (t) => t.staleReason !== undefined },
  ),
  boolVariable(
    { ...RESP, category: "miscellaneous", name: "resp.stale.is_error", read: "all" },
    { get: (t) => t.staleReason === "error" },
  ),
  boolVariable(
    { ...RESP, category: "miscellaneous", name: "resp.stale.is_revalidating", read: "all" },
    { get: (t) => t.staleReason === "revalidating" },
  ),
];

/** A reason that nobody chose follows the status: 404 does not go out as "OK". */
function setStatus(target: ResponseMessage, status: number): void {
  if (target.reason === reasonOf(target.status)) target.reason = reasonOf(status);
  target.status = status;
}

/** Status, reason and protocol version, which the three kinds of response share. */
function statusLine(
  name: "beresp" | "obj" | "resp",
  message: (t: Transaction) => ResponseMessage | null,
  options: { readonly category: string; readonly read: string; readonly write: string },
): readonly VariableRow[] {
  const { category, read } = options;
  return [
    integerVariable(
      { ...options, name: `${name}.status` },
      {
        get: (t) => BigInt(message(t)?.status ?? 0),
        set: (t, v) => {
          const target = message(t);
          if (target !== null) setStatus(target, toStatus(v));
        },
      },
    ),
    stringVariable(
      { ...options, name: `${name}.response` },
      {
        get: (t) => message(t)?.reason ?? null,
        set: (t, v) => {
          const target = message(t);
          if (target !== null) target.reason = v ?? "";
        },
      },
    ),
    stringVariable({ category, read, name: `${name}.proto` }, { get: (t) => message(t)?.proto ?? null }),
  ];
}

/** `beresp.*`, `obj.*` and `resp.*` without the headers. */
export const RESPONSE_VARIABLES: readonly VariableRow[] = [
  ...backendResponse,
  ...cachedObject,
  ...clientResponse,
];
