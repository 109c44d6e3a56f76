import type { Candidate } from "../../../compute/src/platform.ts";
import { isDuration } from "./cache-override.ts";

/** How an answer is cached unless its program says otherwise. Times in seconds. */
export interface CachePlan {
  readonly ttl: number;
  readonly swr: number;
  readonly staleIfError: number;
  readonly surrogateKeys: readonly string[];
  readonly vary: readonly string[];
}

/** A backend's answer in the hands of `afterSend`: setters take what js-compute's take, and throw where they do. */
export class CandidateResponse implements Candidate {
  readonly headers: Headers;
  readonly cached = false;
  readonly stale = false;
  /** Age on arrival, seconds. */
  readonly age: number;
  readonly #hasStale: () => boolean;
  readonly #status: number;
  #keptStatus: number;
  #ttl: number;
  #swr: number;
  #staleIfError: number;
  #surrogateKeys: string[];
  #vary: string[];

  constructor(
    answer: { readonly status: number; readonly headers: Headers; readonly age: number },
    plan: CachePlan,
    hasStale: () => boolean,
  ) {
    this.headers = answer.headers;
    this.age = answer.age;
    this.#status = answer.status;
    this.#keptStatus = answer.status;
    this.#ttl = plan.ttl;
    this.#swr = plan.swr;
    this.#staleIfError = plan.staleIfError;
    this.#surrogateKeys = [...plan.surrogateKeys];
    this.#vary = [...plan.vary];
    this.#hasStale = hasStale;
  }

  /** As it came, whatever is set: the setter reaches only what is stored (js-compute, `Response::status_set`). */
  get status(): number {
    return this.#status;
  }

  /** Of what is stored. */
  get keptStatus(): number {
    return this.#keptStatus;
  }

  set status(status: number) {
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new RangeError(`Response set: invalid status ${String(status)}`);
    }
    this.#keptStatus = status;
  }

  get ttl(): number {
    return this.#ttl;
  }

  set ttl(seconds: number | undefined) {
    this.#ttl = durationOf("ttl", seconds);
  }

  get swr(): number {
    return this.#swr;
  }

  set swr(seconds: number | undefined) {
    this.#swr = durationOf("swr", seconds);
  }

  get staleIfError(): number {
    return this.#staleIfError;
  }

  set staleIfError(seconds: number | undefined) {
    this.#staleIfError = durationOf("staleIfError", seconds);
  }

  get surrogateKeys(): string[] {
    return this.#surrogateKeys;
  }

  set surrogateKeys(keys: string[] | undefined) {
    this.#surrogateKeys = textsOf("surrogateKeys", keys);
  }

  get vary(): string[] {
    return this.#vary;
  }

  set vary(names: string[] | undefined) {
    this.#vary = textsOf("vary", names);
  }

  staleIfErrorAvailable(): boolean {
    return this.#hasStale();
  }
}

function durationOf(name: string, seconds: unknown): number {
  if (isDuration(seconds)) return seconds;
  throw new TypeError(`Response set: ${name} must be a number greater than or equal to zero`);
}

function textsOf(name: string, given: unknown): string[] {
  if (Array.isArray(given)) {
    const texts = given.filter((one): one is string => typeof one === "string");
    if (texts.length === given.length) return texts;
  }
  throw new TypeError(`Response set: ${name} must be an array of strings`);
}
