import { METHODS } from "node:http";
import type { HeaderList } from "../../http/header-list.ts";
import { MAX_HEADERS } from "../../vcl/workspace.ts";

/** Limits of a request (reference/vcl/constraints-and-limitations). */
export const LIMITS = {
  urlBytes: 8192,
  headerBytes: 69 * 1024,
  headerCount: MAX_HEADERS.request,
  cookieBytes: 32 * 1024,
  /** Larger request bodies are not for VCL to see. */
  bodyBytes: 8192,
} as const;

/** A request line and header lines as the server's parser gave them. */
export interface RawRequest {
  readonly method: string;
  readonly target: string;
  /** `1.1`, `2` and the like. */
  readonly version: string;
  readonly headers: HeaderList;
}

export type CheckedRequest =
  | { readonly ok: true; readonly method: string; readonly url: string; readonly host: string }
  | { readonly ok: false; readonly status: number; readonly reason: string };

/**
 * What node's parser lets through and an edge must not (RFC 9112 §3.2): Host missing, twice, invalid or other than
 * in an absolute target; versions other than 1.0 and 1.1; and Fastly's limits, which apply before any VCL runs.
 */
export function checkRequest(raw: RawRequest): CheckedRequest {
  const { headers, method } = raw;
  if (!VERSIONS.has(raw.version)) return refuse(505, "HTTP Version Not Supported");
  if (raw.target.length > LIMITS.urlBytes) return refuse(414, "Too long request string");
  // Fastly's own answer to both is 503, not 431.
  if (headers.size > LIMITS.headerCount || headers.bytes > LIMITS.headerBytes) {
    return refuse(503, "Header overflow");
  }
  // As Varnish does, which knows of no other expectation (RFC 9110 §10.1.1).
  if (!isKnownExpectation(headers)) return refuse(417, "Expectation Failed");
  if (method === "CONNECT") return refuse(405, "Method Not Allowed");
  if (!KNOWN_METHODS.has(method)) return refuse(400, "Bad Request");
  // A body's end must have one meaning only (RFC 9112 §6.1, §6.3).
  if (!hasPlainLength(headers)) return refuse(400, "Bad Request");
  if (raw.version === "1.0" && headers.has("Transfer-Encoding")) return refuse(400, "Bad Request");
  if (!isPlainChunked(headers)) return refuse(501, "Transfer coding not supported");
  const target = splitTarget(raw.target);
  if (target === null || (target.url === "*" && method !== "OPTIONS")) return refuse(400, "Bad Request");
  const hosts = headers.getAll("Host");
  if (hosts.length > 1) return refuse(400, "Bad Request");
  const host = hosts[0] ?? null;
  if (target.authority !== null && host !== null && host.toLowerCase() !== target.authority.toLowerCase()) {
    return refuse(400, "Bad Request");
  }
  const name = target.authority ?? host;
  if (name === null || !isValidHost(name)) return refuse(400, "Bad Request");
  return { ok: true, method: method === "PURGE" ? "FASTLYPURGE" : method, url: target.url, host: name };
}

/** The versions that the front itself has told apart; a request line of HTTP/1.1 may claim others. */
const VERSIONS: ReadonlySet<string> = new Set(["1.0", "1.1", "2"]);

/** What node's HTTP/1.1 parser takes; HTTP/2 is to take no others. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(METHODS);

function isKnownExpectation(headers: HeaderList): boolean {
  return !headers.has("Expect") || expectsContinue(headers);
}

/** Whether the client waits to be told before it sends the body. */
export function expectsContinue(headers: HeaderList): boolean {
  const lines = headers.getAll("Expect");
  return lines.length === 1 && lines[0]?.trim().toLowerCase() === "100-continue";
}

/** One Content-Length of digits, and none beside Transfer-Encoding. */
function hasPlainLength(headers: HeaderList): boolean {
  const lengths = headers.getAll("Content-Length");
  if (lengths.length === 0) return true;
  return lengths.length === 1 && /^\d{1,15}$/.test(lengths[0] ?? "") && !headers.has("Transfer-Encoding");
}

function refuse(status: number, reason: string): CheckedRequest {
  return { ok: false, status, reason };
}

/** The parser undoes `chunked` only; any other coding before it would reach the origin unannounced. */
function isPlainChunked(headers: HeaderList): boolean {
  const codings = headers.getAll("Transfer-Encoding");
  return codings.length === 0 || (codings.length === 1 && codings[0]?.trim().toLowerCase() === "chunked");
}

/** Origin form, absolute form of http(s), or `*`; a fragment never belongs in a target (RFC 9112 §3.2). */
function splitTarget(target: string): { authority: string | null; url: string } | null {
  if (!/^[\x21-\x7e]+$/.test(target) || target.includes("#")) return null;
  if (target.startsWith("/") || target === "*") return { authority: null, url: target };
  const match = /^https?:\/\/([^/?]+)(.*)$/i.exec(target);
  const authority = match?.[1];
  if (authority === undefined) return null;
  const rest = match?.[2] ?? "";
  return { authority, url: rest.startsWith("/") ? rest : `/${rest}` };
}

/** A name of letters, digits, hyphens, dots and underscores, or an IP literal, with an optional port. */
export function isValidHost(host: string): boolean {
  const match = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?\.?)(?::(\d{1,5}))?$/i.exec(host);
  if (match === null || host.length > 260 || host.includes("..")) return false;
  return match[1] === undefined || Number(match[1]) <= 65535;
}
