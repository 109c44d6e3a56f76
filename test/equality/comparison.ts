import type { CaseObject, CaseRequest } from "./equality-case.ts";
import type { Setting } from "./settings.ts";
import type { Seen } from "./edge.ts";
import { findingsOf, viewOf } from "./view.ts";
import type { Finding } from "./view.ts";
import { ALLOWANCES, codingOf } from "./allowances.ts";
import type { Scene } from "./allowances.ts";

/** What became of one request on both targets. */
export interface Outcome {
  readonly findings: readonly Finding[];
  /** Whether the two have parted ways for a reason that is listed. */
  readonly hasParted: boolean;
}

/** For how long a failure is kept. */
const FAILURE_MS = 1_000;

/** Compares the answers of a case, one after the other; knows what went before. */
export class Comparison {
  readonly #setting: Setting;
  readonly #kept = new Set<string>();
  readonly #replaced = new Set<string>();
  readonly #codings = new Map<string, Set<string>>();
  /** Until when, in milliseconds since 1970. */
  readonly #failed = new Map<string, number>();

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  /** Tells that an object was put into its bucket. */
  notePut({ bucket, key }: Pick<CaseObject, "bucket" | "key">): void {
    this.#replaced.add(`${bucket}/${key}`);
  }

  compare(
    request: CaseRequest,
    pair: { readonly vcl: Seen; readonly compute: Seen; readonly now: number },
  ): Outcome {
    const scene: Scene = {
      request,
      setting: this.#setting,
      vcl: viewOf(pair.vcl),
      compute: viewOf(pair.compute),
      raw: pair,
      kept: this.#kept,
      failed: new Set([...this.#failed].flatMap(([key, until]) => (until >= pair.now ? [key] : []))),
      codings: this.#codings,
      replaced: this.#replaced,
      parting: "no",
    };
    for (const allow of Object.values(ALLOWANCES)) allow(scene);
    for (const { key } of pair.compute.stored) {
      this.#kept.add(key);
      // What was stored before is gone: purged, or its time over.
      this.#codings.delete(key);
    }
    for (const { key, vary } of pair.vcl.stored) {
      if (vary.join() === "accept-encoding") this.#codingsOf(key).add(codingOf(request));
    }
    for (const { key, status } of [...pair.compute.stored, ...pair.vcl.stored]) {
      if (status === 503) this.#failed.set(key, pair.now + FAILURE_MS);
      else this.#failed.delete(key);
    }
    const findings = scene.parting === "now" ? [] : findingsOf(scene.vcl, scene.compute);
    return { findings, hasParted: scene.parting !== "no" };
  }

  #codingsOf(key: string): Set<string> {
    const known = this.#codings.get(key) ?? new Set();
    this.#codings.set(key, known);
    return known;
  }
}
