import type { IncomingMessage } from "node:http";
import type { z } from "zod";
import type { Answer, HookStatus } from "./answer.ts";
import type { HookState } from "./hook-state.ts";

export const METHODS = ["GET", "POST", "DELETE"] as const;

/** A request that has reached its route: with a good signature where the route wants one. */
export interface Call {
  readonly state: HookState;
  readonly request: IncomingMessage;
  /** Parts of the path by name, decoded, not yet checked. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Hex SHA-256 that the body must have. */
  readonly digest: string;
  /** Tells a caller who waits for it that the body may come. */
  readonly invite: () => void;
  /** Aborts when the caller is gone. */
  readonly gone: AbortSignal;
}

/** A body that a route takes, by media type; `undefined` is one that is not JSON. */
export interface RouteBody {
  readonly required: boolean;
  readonly content: Readonly<Record<string, z.ZodType | undefined>>;
}

/** One operation: what serves it and what /openapi.json says of it. */
export interface Route {
  readonly method: (typeof METHODS)[number];
  /** With names in braces. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  /** Whether a request needs a signature. */
  readonly signed: boolean;
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body?: RouteBody;
  /** Whether it answers with a job, and waits for it when asked to. */
  readonly job: boolean;
  /** Statuses that it answers with and what is in them; problems have no schema of their own. */
  readonly answers: Readonly<
    Partial<Record<HookStatus, { readonly description: string; readonly schema?: z.ZodType }>>
  >;
  readonly serve: (call: Call) => Promise<Answer>;
}

export type RouteMatch =
  | { readonly kind: "ok"; readonly route: Route; readonly params: Readonly<Record<string, string>> }
  /** The methods that the path takes; none when there is no such path. */
  | { readonly kind: "none"; readonly allowed: readonly string[] };

/** Finds the route of a request. Each part of a path is decoded by itself, so that an encoded slash stays in its part. */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch {
  const allowed: string[] = [];
  for (const route of routes) {
    const params = matchPath(route.path, path);
    if (params === undefined) continue;
    if (route.method === method) return { kind: "ok", route, params };
    allowed.push(route.method);
  }
  return { kind: "none", allowed };
}

function matchPath(template: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = template.split("/");
  const parts = path.split("/");
  if (wanted.length !== parts.length) return undefined;
  const params = new Map<string, string>();
  for (const [index, part] of parts.entries()) {
    const segment = wanted[index] ?? "";
    const name = /^\{(.*)\}$/.exec(segment)?.[1];
    if (name === undefined && segment !== part) return undefined;
    if (name === undefined) continue;
    const value = decoded(part);
    if (value === undefined || value === "") return undefined;
    params.set(name, value);
  }
  return Object.fromEntries(params);
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}
