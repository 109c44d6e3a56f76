import { HeaderList } from "../../http/header-list.ts";

/** The head of an HTTP/2 request, taken apart. */
export interface Http2Head {
  readonly method: string;
  /** `:path` as it is; empty for CONNECT. */
  readonly target: string;
  readonly headers: HeaderList;
}

/** A header block that is no HTTP message: its stream is an error (RFC 9113 §8.1.1). */
export const MALFORMED = "malformed";

/** Headers of one HTTP/1.1 connection; in HTTP/2 they make a message malformed (RFC 9113 §8.2.2). */
const CONNECTION_SPECIFIC: ReadonlySet<string> = new Set([
  "connection",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

const PSEUDO = [":method", ":scheme", ":authority", ":path"] as const;

/** Lower-case token (RFC 9113 §8.2.1). */
const NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;

/**
 * Reads a header block, given as flat names and values in their order: pseudo-headers become the request line and
 * `Host`, crumbs of `cookie` one line (RFC 9113 §8.2.3). `MALFORMED` for all that §8.2 and §8.3 forbid, so that no
 * header can mean something else once it is written as HTTP/1.1 for an origin.
 */
export function readHttp2Head(flat: readonly string[]): Http2Head | typeof MALFORMED {
  const pseudo = new Map<string, string>();
  const headers = new HeaderList();
  const crumbs: string[] = [];
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = flat[i] ?? "";
    const value = flat[i + 1] ?? "";
    if (!isValue(value)) return MALFORMED;
    if (name.startsWith(":")) {
      const known = PSEUDO.some((one) => one === name);
      const late = headers.size > 0 || crumbs.length > 0;
      if (!known || late || pseudo.has(name)) return MALFORMED;
      pseudo.set(name, value);
    } else if (!NAME.test(name) || CONNECTION_SPECIFIC.has(name)) return MALFORMED;
    else if (name === "te" && value.toLowerCase() !== "trailers") return MALFORMED;
    else if (name === "cookie") crumbs.push(value);
    else headers.add(name, value);
  }
  if (crumbs.length > 0) headers.add("cookie", crumbs.join("; "));
  return requestLine(pseudo, headers);
}

function requestLine(pseudo: ReadonlyMap<string, string>, headers: HeaderList): Http2Head | typeof MALFORMED {
  const method = pseudo.get(":method");
  const scheme = pseudo.get(":scheme");
  const authority = pseudo.get(":authority");
  const target = pseudo.get(":path");
  if (method === undefined) return MALFORMED;
  if (method === "CONNECT") return { method, target: "", headers };
  // Only a proxy would be asked for anything else than what the connection is (RFC 9113 §8.3.1).
  if (scheme?.toLowerCase() !== "https" || target === undefined || !isPath(target, method)) return MALFORMED;
  if (authority !== undefined && !takeAuthority(headers, authority)) return MALFORMED;
  return { method, target, headers };
}

/** `:authority` takes the place of Host and may not differ from it (RFC 9113 §8.3.1). */
function takeAuthority(headers: HeaderList, authority: string): boolean {
  const hosts = headers.getAll("host");
  if (hosts.some((host) => host.toLowerCase() !== authority.toLowerCase())) return false;
  if (hosts.length === 0) headers.add("host", authority);
  return true;
}

/** Never the absolute form, which would bring a second authority with it. */
function isPath(target: string, method: string): boolean {
  return target.startsWith("/") || (target === "*" && method === "OPTIONS");
}

/** No NUL, CR or LF, no blank at either end (RFC 9113 §8.2.1), and none of the controls that HTTP/1.1 refuses. */
function isValue(value: string): boolean {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  return !/[\0-\x08\x0a-\x1f\x7f]|^[ \t]|[ \t]$/.test(value);
}

/** Names that HTTP/2 gives only one line, whose repetition is no list: the first one counts. */
const SINGLE: ReadonlySet<string> = new Set(
  (
    "access-control-allow-credentials access-control-max-age access-control-request-method age authorization " +
    "content-length content-location content-md5 content-range content-type date dnt etag expires from host " +
    "if-modified-since if-range if-unmodified-since last-modified location max-forwards proxy-authorization range " +
    "referer retry-after tk upgrade-insecure-requests user-agent x-content-type-options"
  ).split(" "),
);

/** Names whose lines node wants as one, and that are lists (RFC 9110 §5.3). */
const LISTS: ReadonlySet<string> = new Set([
  "content-encoding",
  "content-language",
  "if-match",
  "if-none-match",
]);

/** A response head as node's `respond` takes it: lower-case names, repeated lines kept, nothing of HTTP/1.1's connections. */
export function http2ResponseHead(
  status: number,
  flat: readonly string[],
): Record<string, string | string[] | number> {
  const lines = new Map<string, string[]>();
  for (let i = 0; i + 1 < flat.length; i += 2) {
    const name = (flat[i] ?? "").toLowerCase();
    if (CONNECTION_SPECIFIC.has(name) || name === "te") continue;
    const values = lines.get(name);
    const value = (flat[i + 1] ?? "").trim();
    if (values === undefined) lines.set(name, [value]);
    else values.push(value);
  }
  const head: [string, string | string[] | number][] = [[":status", status]];
  for (const [name, values] of lines) head.push([name, joined(name, values)]);
  return Object.fromEntries(head);
}

function joined(name: string, values: readonly string[]): string | string[] {
  const [first = ""] = values;
  if (values.length === 1 || SINGLE.has(name)) return first;
  return LISTS.has(name) ? values.join(", ") : [...values];
}
