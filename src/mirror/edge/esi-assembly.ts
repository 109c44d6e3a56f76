import { discard } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import { EsiScanner } from "./esi.ts";
import type { Exchange } from "./exchange.ts";
import type { HopResponse, IncludeContext } from "./message.ts";
import { isValidHost, LIMITS } from "./request-checks.ts";

/** How deep includes may include, and how many one client's request may cause in all; beyond, nothing is included. */
export const ESI_LIMITS = { depth: 5, includes: 256 } as const;

/** Headers of the client's request that are about its own page, not about a part of another. */
const NOT_FOR_PARTS = [
  "Accept-Encoding",
  "Content-Length",
  "Content-Type",
  "Expect",
  "Fastly-Orig-Accept-Encoding",
  "If-Match",
  "If-Modified-Since",
  "If-None-Match",
  "If-Range",
  "If-Unmodified-Since",
  "Range",
  "Transfer-Encoding",
] as const;

/**
 * A page with its includes in their places, one after another as the page goes out. Each is a new request to the
 * same service at this POP, with the client's own headers (reference/vcl/statements/esi); what it answers is
 * included whatever its status.
 */
export function assemble(x: Exchange, page: ResponseBody): ResponseBody {
  const part: { current: ResponseBody | null } = { current: null };
  return {
    kind: "stream",
    length: null,
    chunks: assembled(x, page, part),
    cancel() {
      discard(page);
      if (part.current !== null) discard(part.current);
    },
  };
}

async function* assembled(
  x: Exchange,
  page: ResponseBody,
  part: { current: ResponseBody | null },
): AsyncGenerator<Uint8Array> {
  const insideCdata = x.delivery.effects?.settings.get("esi.allow_inside_cdata") === true;
  const scanner = new EsiScanner({ insideCdata });
  const spent = x.request.include?.spent ?? { count: 0 };
  const chunks = page.kind === "bytes" ? [page.bytes] : page.chunks;
  async function* put(pieces: ReturnType<EsiScanner["push"]>): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) {
      if (piece.kind === "text") yield Buffer.from(piece.text, "latin1");
      else yield* included(x, piece.src, { part, spent });
    }
  }
  for await (const chunk of chunks) yield* put(scanner.push(Buffer.from(chunk).toString("latin1")));
  yield* put(scanner.end());
}

interface Place {
  /** The part that is going out, so that it can be given up. */
  readonly part: { current: ResponseBody | null };
  /** Includes that this client's request has caused so far. */
  readonly spent: { count: number };
}

async function* included(x: Exchange, src: string, { part, spent }: Place): AsyncGenerator<Uint8Array> {
  const context = contextOf(x, spent);
  const target = resolveInclude(src, x.delivery.req.url);
  if (target === null || context === null) return;
  const response = await request(x, target, context);
  let bodyBytes = 0;
  part.current = response.body;
  try {
    const chunks = response.body.kind === "bytes" ? [response.body.bytes] : response.body.chunks;
    for await (const chunk of chunks) {
      bodyBytes += chunk.length;
      yield chunk;
    }
  } finally {
    part.current = null;
    discard(response.body);
    response.sent({ headerBytes: response.headers.bytes, bodyBytes });
  }
}

/** One more include of this client's request; `null` where it may cause no more. */
function contextOf(x: Exchange, spent: { count: number }): IncludeContext | null {
  const { delivery, request } = x;
  const level = delivery.esiLevel + 1;
  if (level > ESI_LIMITS.depth || spent.count >= ESI_LIMITS.includes) {
    delivery.host.log(`request ${delivery.xid}: too many edge side includes, one is left out`);
    return null;
  }
  spent.count += 1;
  const serviceHost = request.include?.serviceHost ?? request.headers.get("Host") ?? "";
  return { level, topUrl: delivery.req.url, serviceHost, spent };
}

function request(x: Exchange, target: IncludeTarget, include: IncludeContext): Promise<HopResponse> {
  const headers = x.request.headers.clone();
  for (const name of NOT_FOR_PARTS) headers.unset(name);
  if (target.host !== null) headers.set("Host", target.host);
  return x.parts.handleAt(x.pop, {
    method: "GET",
    url: target.url,
    proto: x.request.proto,
    headers,
    body: null,
    connection: x.request.connection,
    trustedPurge: false,
    include,
    ...(x.recorder === null ? {} : { tracedBy: x.recorder }),
  });
}

/** Where an include leads; `host` is `null` where it stays the page's own. */
export interface IncludeTarget {
  readonly host: string | null;
  readonly url: string;
}

/** The request that an include's `src` stands for on a page with this URL; `null` for one that cannot be sent. */
export function resolveInclude(src: string, pageUrl: string): IncludeTarget | null {
  const absolute = /^https?:\/\/([^/?#]+)([^#]*)/i.exec(src);
  const host = absolute?.[1] ?? null;
  const local = absolute?.[2] ?? src.replace(/#.*$/s, "");
  if (host === null ? /^[a-z][a-z0-9+.-]*:/i.test(src) : !isValidHost(host)) return null;
  const url = host === null && !local.startsWith("/") ? relative(local, pageUrl) : rooted(local);
  if (local === "" && host === null) return null;
  return url.length <= LIMITS.urlBytes && /^[\x21-\x7e\x80-\xff]+$/.test(url) ? { host, url } : null;
}

function rooted(path: string): string {
  return path.startsWith("/") ? path : `/${path}`;
}

/** Relative to the folder of the page; `.` and `..` are taken out as RFC 3986 §5.2.4 has it. */
function relative(src: string, pageUrl: string): string {
  const [path = "/"] = pageUrl.split("?");
  if (src.startsWith("?")) return path + src;
  const mark = src.indexOf("?");
  const [own, query] = mark === -1 ? [src, ""] : [src.slice(0, mark), src.slice(mark)];
  const folders = path.slice(0, path.lastIndexOf("/")).split("/").slice(1);
  const names = own.split("/");
  for (const [at, name] of names.entries()) {
    const isLast = at === names.length - 1;
    if (name === "..") folders.pop();
    if (name !== "." && name !== "..") folders.push(name);
    else if (isLast) folders.push("");
  }
  return `/${folders.join("/")}${query}`;
}
