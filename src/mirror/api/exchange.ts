import type { IncomingHttpHeaders } from "node:http";
import type { EdgeControl } from "../service.ts";
import type { Clock } from "../../lib/clock.ts";
import type { ActivationDesk } from "./activation.ts";
import type { PurgeIds } from "./ids.ts";
import type { DataStores } from "./data-stores.ts";
import type { PackageFiles } from "./package-files.ts";
import type { ServiceStore } from "./store.ts";

/** A request after routing: path parameters decoded, the body parsed from a form or JSON. */
export interface ApiRequest {
  readonly method: string;
  /** As it was sent: raw, without its query. */
  readonly path: string;
  readonly params: Readonly<Record<string, string>>;
  /** What a trailing `*` of the route matched: raw, with its query. */
  readonly rest: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Fields of the body; empty without one, and on routes that read bytes. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The body as it was sent, on routes that read bytes; empty on others. */
  readonly bytes: Buffer;
}

export interface ApiResponse {
  readonly status: number;
  /** `""`: the answer has none. */
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** What this answer says in its head beyond what all of them do. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What handlers work with. */
export interface ApiContext {
  readonly store: ServiceStore;
  readonly stores: DataStores;
  readonly packages: PackageFiles;
  readonly edge: EdgeControl;
  readonly clock: Clock;
  readonly desk: ActivationDesk;
  readonly purgeIds: PurgeIds;
  /** Where clients reach this API, without a trailing slash. */
  readonly url: () => string;
  /** The service that gets every Host no service claims, if one is pinned. */
  readonly pinnedService: () => string | null;
}

export type Handler = (context: ApiContext, request: ApiRequest) => Promise<ApiResponse> | ApiResponse;

/** One endpoint. `{name}` in the path is one decoded segment, a trailing `*` all the rest. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  /** Fastly's name of the operation, e.g. `create-service`. */
  readonly operation: string;
  readonly handler: Handler;
  /** Answers without a token. */
  readonly open?: true;
  /** The body is bytes, at most so many: a file or a value, neither a form nor JSON. */
  readonly bytes?: number;
  /** A write that does not count against the rate limit: key and URL purges (reference/api, "Rate limiting"), stores (recorded). */
  readonly unmetered?: true;
}

/** 200 with a JSON body. */
export function json(value: unknown): ApiResponse {
  return { status: 200, contentType: "application/json", body: JSON.stringify(value) };
}

/** 201 with a JSON body, as the newer endpoints answer to what they made. */
export function created(value: unknown): ApiResponse {
  return { ...json(value), status: 201 };
}

/** 204: done, and nothing to say. */
export function noContent(): ApiResponse {
  return { status: 204, contentType: "application/json", body: "" };
}

/** Done, with a status and nothing to say. */
export function bare(status: number): ApiResponse {
  return { status, contentType: "", body: "" };
}

/** 200 with plain text. */
export function text(value: string): ApiResponse {
  return { status: 200, contentType: "text/plain; charset=utf-8", body: value };
}

/** What Fastly answers to deletions and batches. */
export function statusOk(): ApiResponse {
  return json({ status: "ok" });
}
