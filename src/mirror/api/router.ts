import { ApiError, badRequest, notImplemented } from "./api-error.ts";
import type { Route } from "./exchange.ts";
import { UNBUILT_PATHS } from "./unbuilt.ts";

/** A route that a request matched. */
export interface Match {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
  /** What the trailing `*` matched, raw. */
  readonly rest: string;
}

type Segment = { readonly literal: string } | { readonly param: string };

interface Pattern<T> {
  readonly segments: readonly Segment[];
  readonly open: boolean;
  readonly literals: number;
  readonly target: T;
}

/** Chooses the endpoint for a method and raw path; refuses with 404, 405 or 501. */
export class Router {
  readonly #routes: ReadonlyMap<string, readonly Pattern<Route>[]>;
  readonly #unbuilt: ReadonlyMap<string, readonly Pattern<string>[]>;

  constructor(routes: readonly Route[]) {
    this.#routes = byFirstSegment(routes.map((route) => compile(route.path, route)));
    this.#unbuilt = byFirstSegment(UNBUILT_PATHS.map(([path, name]) => compile(path, name)));
  }

  /** `target` is the raw request target: path and, after `?`, the query. */
  match(method: string, target: string): Match {
    const path = target.split("?", 1)[0] ?? "";
    const parts = path.replace(/^\/+/, "").split("/");
    const candidates = (this.#routes.get(parts[0] ?? "") ?? []).filter((pattern) => fits(pattern, parts));
    const wanted = method === "HEAD" ? "GET" : method;
    const found = candidates.find(({ target: route }) => route.method === wanted);
    if (found !== undefined) return bind(found, parts, target);
    const unbuilt = (this.#unbuilt.get(parts[0] ?? "") ?? []).find((pattern) => fits(pattern, parts));
    // A path such as `backend/{name}` also fits ones that only look alike; those we know by name come first.
    if (unbuilt !== undefined) throw notImplemented(`${method} ${path} (${unbuilt.target})`);
    if (candidates.length > 0) throw new ApiError(405, "Method not allowed", `${method} ${path}`);
    throw new ApiError(404, "Not found", `${method} ${path}`);
  }
}

function compile<T>(path: string, target: T): Pattern<T> {
  const open = path.endsWith("/*");
  const segments = (open ? path.slice(1, -2) : path.slice(1)).split("/").map((part): Segment => {
    const param = /^\{(.+)\}$/.exec(part)?.[1];
    return param === undefined ? { literal: part } : { param };
  });
  return { segments, open, literals: segments.filter((segment) => "literal" in segment).length, target };
}

function byFirstSegment<T>(patterns: readonly Pattern<T>[]): ReadonlyMap<string, readonly Pattern<T>[]> {
  const map = new Map<string, Pattern<T>[]>();
  // More literal segments first: `/service/search` before `/service/{service}`.
  for (const pattern of [...patterns].sort((a, b) => b.literals - a.literals)) {
    const first = pattern.segments[0];
    const key = first !== undefined && "literal" in first ? first.literal : "";
    map.set(key, [...(map.get(key) ?? []), pattern]);
  }
  return map;
}

function fits<T>(pattern: Pattern<T>, parts: readonly string[]): boolean {
  const { segments, open } = pattern;
  if (open ? parts.length <= segments.length : parts.length !== segments.length) return false;
  return segments.every((segment, i) =>
    "literal" in segment ? segment.literal === parts[i] : parts[i] !== "",
  );
}

function bind(pattern: Pattern<Route>, parts: readonly string[], target: string): Match {
  const params: Record<string, string> = {};
  pattern.segments.forEach((segment, i) => {
    if ("param" in segment) params[segment.param] = decode(parts[i] ?? "");
  });
  const skipped = pattern.segments.length;
  const rest = pattern.open ? target.replace(/^\/+/, "").split("/").slice(skipped).join("/") : "";
  return { route: pattern.target, params, rest };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`'${segment}' is not validly percent-encoded`);
  }
}
