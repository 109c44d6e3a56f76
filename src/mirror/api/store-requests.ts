import { ApiError } from "./api-error.ts";
import { json } from "./exchange.ts";
import type { ApiContext, ApiRequest, ApiResponse } from "./exchange.ts";
import type { DataStore, StoreFolder } from "./store-folder.ts";
import { param } from "./versions-access.ts";

/** Base64 with its padding, as values and secrets are sent. */
export const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** A refusal by the newer stores (KV, secret), in RFC 9457's form. */
export function storeProblem(status: number, title: string, detail?: string): ApiError {
  return new ApiError(status, title, detail, { form: "problem" });
}

/** The store that `{store}` of the path names; `otherwise` says what is thrown when there is none. */
export function requireStore(folder: StoreFolder, request: ApiRequest, otherwise: () => ApiError): DataStore {
  const store = folder.find(param(request, "store"));
  if (store === undefined) throw otherwise();
  return store;
}

export interface CursorList<T> {
  /** In the order of their keys. */
  readonly all: readonly T[];
  readonly keyOf: (item: T) => string;
  readonly present: (item: T) => unknown;
  /** How many a page has where nobody says, and at most. */
  readonly limits: { readonly initial: number; readonly most: number };
  /** What `meta` says beside the limit and the next cursor. */
  readonly meta?: Readonly<Record<string, unknown>>;
}

/** A page of a list as the newer stores give it: `limit` items after `cursor`, which is the key of the last one before. */
export function cursorPage<T>({ query }: ApiRequest, list: CursorList<T>): ApiResponse {
  const { all, keyOf, limits } = list;
  const limit = pageSize(query.get("limit"), limits);
  const cursor = query.get("cursor");
  const after = cursor === null || cursor === "" ? null : Buffer.from(cursor, "base64url").toString("utf8");
  const start = after === null ? 0 : all.findIndex((item) => keyOf(item) > after);
  const page = start === -1 ? [] : all.slice(start, start + limit);
  const last = page.at(-1);
  const isMore = start !== -1 && start + limit < all.length && last !== undefined;
  const next = isMore ? { next_cursor: Buffer.from(keyOf(last)).toString("base64url") } : {};
  return json({ data: page.map(list.present), meta: { limit, ...next, ...list.meta } });
}

/** How many items a page has. */
export function pageSize(
  asked: string | null,
  { initial, most }: { readonly initial: number; readonly most: number },
): number {
  const size = Number(asked ?? initial);
  return Number.isSafeInteger(size) && size > 0 ? Math.min(size, most) : initial;
}

/** Stores by their id, those of one name where `name` is asked for. */
export function namedStores(folder: StoreFolder, { query }: ApiRequest): readonly DataStore[] {
  const name = query.get("name");
  const stores = folder.list().filter((store) => name === null || name === "" || store.name === name);
  return [...stores].sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Runs one write of a kind of stores after the other, so that none of their names is given twice. */
export function withNames<T>(context: ApiContext, kind: string, work: () => Promise<T>): Promise<T> {
  return context.stores.exclusive(`${kind} names`, work);
}
