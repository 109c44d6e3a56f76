import type { OriginInit, OriginResponse } from "../../../compute/src/platform.ts";
import type { HeaderList } from "../../http/header-list.ts";
import { discard, lengthOf } from "../edge/body.ts";
import type { ComputeVisit } from "../edge/parts.ts";
import { plainKey } from "../edge/surrogate-keys.ts";
import { planFetch } from "./fetch-plan.ts";
import type { FetchPlan } from "./fetch-plan.ts";
import { toHeaders } from "./messages.ts";
import { OriginSender } from "./origin-sender.ts";
import { readThrough } from "./read-through.ts";
import type { Fetched } from "./read-through.ts";
import { cancelUnread, readableOf } from "./streams.ts";

/** `Response` of js-compute as far as a fetch's result goes; what the cache knows is missing without the HTTP cache. */
export interface FetchResponse extends OriginResponse {
  /** Seconds for which it is still fresh. */
  readonly ttl?: number | undefined;
  /** Seconds. */
  readonly age?: number | undefined;
  readonly swr?: number | undefined;
  readonly staleIfError?: number | undefined;
  readonly surrogateKeys?: readonly string[] | undefined;
  readonly vary?: readonly string[] | undefined;
}

/** `fetch` of one visitor's request. */
export class GuestFetch {
  readonly #visit: ComputeVisit;
  readonly #hasHttpCache: boolean;
  readonly #sender: OriginSender;
  #isOver = false;
  readonly #bodies = new Set<ReadableStream<Uint8Array>>();
  #last: Pick<Fetched, "state" | "headers"> | null = null;

  constructor(visit: ComputeVisit, hasHttpCache: boolean) {
    this.#visit = visit;
    this.#hasHttpCache = hasHttpCache;
    this.#sender = new OriginSender(visit);
  }

  /** What the last fetch came to, for who looks on; `null` where there was none. */
  get last(): (Pick<Fetched, "state"> & { readonly headers: HeaderList }) | null {
    return this.#last;
  }

  /** Nothing is sent for the program any more; `why` is what it hears. */
  end(why: string): void {
    this.#sender.end(why);
  }

  /**
   * The program has ended, and with it every body that it neither read nor handed on: a connection to a backend would
   * wait for its reader for as long as this process runs.
   */
  letGo(handedOn: ReadableStream<Uint8Array> | null): void {
    this.#isOver = true;
    for (const body of this.#bodies) if (body !== handedOn) void cancelUnread(body);
    this.#bodies.clear();
  }

  /** @throws as `fetch` of js-compute: TypeError, DOMException `NetworkError`, or what a hook threw */
  async fetch(url: string, init: OriginInit): Promise<FetchResponse> {
    const plan = planFetch(this.#visit, url, init);
    const fetched = await this.#run(plan);
    if (this.#isOver) {
      discard(fetched.body);
      throw new TypeError("fetch: the program has ended");
    }
    this.#last = fetched;
    return this.#respond(fetched);
  }

  async #run(plan: FetchPlan): Promise<Fetched> {
    const { caching } = plan;
    if (caching === null) {
      const reply = await this.#sender.send(plan.spec, plan.request);
      const { status, headers, body } = reply;
      return { status, headers, body, state: "PASS", entry: null };
    }
    if (!this.#hasHttpCache && caching.override.hasHooks) {
      throw new Error("HTTP caching API is not enabled for this service; please contact support for help");
    }
    const hasHttpCache = this.#hasHttpCache;
    return readThrough({ visit: this.#visit, sender: this.#sender, plan, caching, hasHttpCache });
  }

  /** With the headers that every fetched response has (js-compute, `add_fastly_cache_headers`). */
  #respond({ status, headers, body, state, entry }: Fetched): FetchResponse {
    const isHit = state === "HIT" || state === "HIT-STALE";
    const shown = toHeaders(headers);
    shown.set("X-Cache", isHit ? "HIT" : "MISS");
    shown.set("X-Cache-Hits", isHit ? String(entry?.hits ?? 0) : "0");
    const stream = lengthOf(body) === 0 ? null : readableOf(body);
    if (stream !== null) this.#bodies.add(stream);
    const response = { status, headers: shown, body: stream };
    if (!this.#hasHttpCache) return response;
    const told = { ...response, cached: isHit, stale: state === "HIT-STALE" };
    if (entry === null) return told;
    const now = this.#visit.parts.clock.now();
    return {
      ...told,
      ttl: entry.ttl(now),
      age: entry.age(now),
      swr: entry.staleWhileRevalidate,
      staleIfError: entry.staleIfError,
      surrogateKeys: entry.surrogateKeys.map(plainKey),
      vary: entry.vary.names,
    };
  }
}
