import type { HeaderList } from "../../http/header-list.ts";
import { BackendFailure } from "./backend-failure.ts";
import { alone } from "./body.ts";
import type { ResponseBody } from "./body.ts";
import type { CacheEntry } from "./cache-entry.ts";
import type { CacheStore } from "./cache-store.ts";
import type { GrowingBody } from "./growing-body.ts";

/** A body that arrives while its object is in the cache already. */
export interface Filling {
  readonly body: Extract<ResponseBody, { kind: "stream" }>;
  readonly growing: GrowingBody;
  readonly entry: CacheEntry;
  readonly store: CacheStore;
  /** Bytes of the largest object. */
  readonly limit: number;
}

/** Reads the origin to its end whether or not a client still listens; a body cut short leaves the cache. Never rejects. */
export async function fillEntry({ body, growing, entry, store, limit }: Filling): Promise<void> {
  try {
    for await (const chunk of body.chunks) {
      if (growing.size + chunk.length > limit) throw new BackendFailure("Response object too large");
      growing.push(chunk);
      store.grow(entry, chunk.length);
    }
    entry.body = alone(growing.bytes());
    growing.complete();
  } catch (error) {
    store.remove(entry);
    growing.fail(new BackendFailure("backend read error", error));
  }
}

/** Header lines of a response as they are stored: without what is said anew each time it is delivered. */
export function storedHeaders(headers: HeaderList): HeaderList {
  const stored = headers.clone();
  stored.unset("Content-Length");
  stored.unset("Age");
  return stored;
}
