import { createHash } from "node:crypto";
import type { OriginInit } from "../../../compute/src/platform.ts";
import type { BackendSpec, RequestMessage } from "../../vcl/runtime.ts";
import { cacheKey } from "../edge/cache-key.ts";
import { endToEndHeaders } from "../edge/hop-by-hop.ts";
import type { ComputeVisit } from "../edge/parts.ts";
import { CacheOverride } from "./cache-override.ts";
import { toHeaderList } from "./messages.ts";

/** Bytes of a URL and of one header line (docs.fastly.com/products/compute-resource-limits). */
export const COMPUTE_LIMITS = { urlBytes: 8192, headerBytes: 69 * 1024 } as const;

/** One `fetch` of a program, ready to be looked up or sent. */
export interface FetchPlan {
  readonly spec: BackendSpec;
  /** What the backend is asked; its headers are what `Vary` chooses by. */
  readonly request: RequestMessage;
  /** `null`: nothing is looked up and nothing stored. */
  readonly caching: CachingPlan | null;
}

export interface CachingPlan {
  readonly key: string;
  readonly override: CacheOverride;
  /** The surrogate key by which a purge of the URL finds what is stored. */
  readonly urlKey: string;
}

/** @throws TypeError for a backend that the version has not got, and for what is no request */
export function planFetch({ run, pop, parts }: ComputeVisit, url: string, init: OriginInit): FetchPlan {
  const { id, content } = run.active;
  const spec = content.backends.get(init.backend);
  if (spec === undefined) {
    throw new TypeError(`Requested backend named '${init.backend}' does not exist`);
  }
  const { host, path } = placeOf(url);
  const headers = endToEndHeaders(toHeaderList(init.headers));
  if (!headers.has("Host")) headers.set("Host", host);
  const request = { method: init.method, url: path, proto: "HTTP/1.1", headers };
  const override = overrideOf(init.cacheOverride);
  if (override === null) return { spec, request, caching: null };
  const generation = parts.generations.of(id, pop.name);
  // The generation ends the key as it ends a hash of VCL: a purge-all leaves every older key behind.
  const key = cacheKey(id, `${init.cacheKey}#${generation}#`);
  return { spec, request, caching: { key, override, urlKey: urlKeyOf(host, path) } };
}

/** As `Request` does, a URL is brought into its one spelling (url.spec.whatwg.org). */
function placeOf(text: string): { readonly host: string; readonly path: string } {
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new TypeError(`fetch: ${url.protocol} is neither http: nor https:`);
  }
  const path = `${url.pathname}${url.search}`;
  if (path.length > COMPUTE_LIMITS.urlBytes) {
    throw new TypeError(`fetch: the URL has more than ${COMPUTE_LIMITS.urlBytes} bytes`);
  }
  return { host: url.host, path };
}

function overrideOf(given: OriginInit["cacheOverride"]): CacheOverride | null {
  if (given === "pass") return null;
  if (given instanceof CacheOverride) return given;
  throw new TypeError("fetch: cacheOverride must be a CacheOverride or 'pass'");
}

/**
 * The key that Fastly itself gives to what a Compute service stores, so that a purge by URL finds it. It is of the URL
 * that is asked for, whatever the cache key, and gone where `afterSend` sets other keys (rust-lang/simpleinfra#1157).
 */
export function urlKeyOf(host: string, pathAndQuery: string): string {
  return createHash("sha256").update(`${host.toLowerCase()}${pathAndQuery}`, "latin1").digest("hex");
}
