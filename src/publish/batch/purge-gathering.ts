import type { Clock } from "../../lib/clock.ts";
import { forEachLimit } from "../../lib/for-each-limit.ts";
import type { PurgeApi } from "../../purge/purge-api.ts";
import { KEYS_PER_CALL } from "../../purge/purge-plan.ts";
import { purgeAgain } from "../../purge/purge.ts";
import type { PublishDeps, RestOfCommit, SiteRef } from "../publish-deps.ts";

/** How long the first of several purges waits at most for others to go out with, in milliseconds. */
export const GATHERING_MS = 500;

interface Call {
  readonly serviceId: string;
  readonly soft: boolean;
}

interface Waiting extends Call {
  readonly keys: readonly string[];
  readonly done: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Purges of many sites in few calls: what is asked for within a moment goes out together, at most 256 keys a call. Whoever
 * asked waits until its keys have been sent, as it would without.
 */
export class GatheringPurge implements PurgeApi {
  readonly #purge: PurgeApi;
  readonly #clock: Clock;
  readonly #signal: AbortSignal;
  /** By service and softness: only like calls can be joined. */
  readonly #waiting = new Map<string, Waiting[]>();
  /** Calls that were made. */
  calls = 0;

  constructor(deps: Pick<PublishDeps, "purge" | "clock" | "signal">) {
    this.#purge = deps.purge;
    this.#clock = deps.clock;
    this.#signal = deps.signal;
  }

  purgeKeys(input: Parameters<PurgeApi["purgeKeys"]>[0]): Promise<void> {
    const { serviceId, soft, keys } = input;
    const kind = `${soft ? "soft" : "hard"} ${serviceId}`;
    return new Promise((resolve, reject) => {
      const waiting = this.#waiting.get(kind) ?? [];
      waiting.push({ serviceId, soft, keys, done: resolve, failed: reject });
      this.#waiting.set(kind, waiting);
      const send = (): void => void this.#send(kind);
      if (keysOf(waiting).size >= KEYS_PER_CALL) send();
      else if (waiting.length === 1) this.#clock.sleep(GATHERING_MS, this.#signal).then(send, send);
    });
  }

  async purgeAll(input: { readonly serviceId: string }): Promise<void> {
    await this.#purge.purgeAll(input);
  }

  /** Sends keys that are gathered already. */
  async purgeNow(input: Parameters<PurgeApi["purgeKeys"]>[0]): Promise<void> {
    this.#signal.throwIfAborted();
    const { serviceId, soft } = input;
    const keys = [...new Set(input.keys)].sort();
    for (let from = 0; from < keys.length; from += KEYS_PER_CALL) {
      this.calls += 1;
      await this.#purge.purgeKeys({ serviceId, soft, keys: keys.slice(from, from + KEYS_PER_CALL) });
    }
  }

  /** Sends what waits: nothing else is coming. */
  flush(): void {
    for (const kind of this.#waiting.keys()) void this.#send(kind);
  }

  async #send(kind: string): Promise<void> {
    const batch = this.#waiting.get(kind) ?? [];
    const [first] = batch;
    if (!first) return;
    const { serviceId, soft } = first;
    this.#waiting.set(kind, []);
    try {
      await this.purgeNow({ serviceId, soft, keys: [...keysOf(batch)] });
      for (const { done } of batch) done();
    } catch (error) {
      for (const { failed } of batch) failed(error);
    }
  }
}

function keysOf(waiting: readonly Waiting[]): ReadonlySet<string> {
  return new Set(waiting.flatMap(({ keys }) => keys));
}

/** A site that is live, but whose second purge could not be finished; it stays owed. */
export interface Unfinished {
  readonly ref: SiteRef;
  readonly error: unknown;
}

const PARALLEL_FINISHES = 16;

/**
 * The second purges of many sites, sent together: as soon as there are enough for a call, and at the end. What fails stays
 * owed in the sites' records.
 */
export class SecondPasses {
  readonly unfinished: Unfinished[] = [];
  readonly #deps: PublishDeps;
  #rest: RestOfCommit[] = [];
  #running: Promise<void> = Promise.resolve();

  constructor(deps: PublishDeps, purge: GatheringPurge) {
    const purgeKeys = (input: Parameters<PurgeApi["purgeKeys"]>[0]): Promise<void> => purge.purgeNow(input);
    this.#deps = { ...deps, purge: { purgeKeys, purgeAll: (input) => purge.purgeAll(input) } };
  }

  add(rest: RestOfCommit): void {
    this.#rest.push(rest);
    const keys = this.#rest.reduce((sum, { purge }) => sum + purge.order.keys.length, 0);
    if (keys >= KEYS_PER_CALL) this.#flush();
  }

  /** Resolves when every site is finished or known not to be. */
  async close(): Promise<void> {
    this.#flush();
    await this.#running;
  }

  #flush(): void {
    const batch = this.#rest;
    if (batch.length === 0) return;
    this.#rest = [];
    this.#running = this.#running.then(() => this.#finish(batch));
  }

  async #finish(batch: readonly RestOfCommit[]): Promise<void> {
    const { signal } = this.#deps;
    const keys = batch.flatMap(({ purge }) => purge.order.keys);
    const beganAt = Math.max(...batch.map(({ purge }) => purge.beganAt));
    try {
      await purgeAgain(this.#deps, { order: { keys, soft: false }, beganAt });
    } catch (error) {
      for (const { ref } of batch) this.unfinished.push({ ref, error });
      return;
    }
    const settle = async ({ ref, finish }: RestOfCommit): Promise<void> => {
      await finish().catch((error: unknown) => void this.unfinished.push({ ref, error }));
    };
    await forEachLimit(batch, { limit: PARALLEL_FINISHES, signal }, settle).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
