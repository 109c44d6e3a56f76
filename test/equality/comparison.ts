import type { BucketName, CaseObject, CaseRequest } from "./equality-case.ts";
import type { Setting } from "./settings.ts";
import type { Seen } from "./edge.ts";
import { findingsOf, viewOf } from "./view.ts";
import type { Finding } from "./view.ts";
import { ALLOWANCES, EVERYWHERE } from "./allowances.ts";
import type { Allowance, Id } from "./allowances.ts";
import { codingOf, keyAsked } from "./scene.ts";
import type { History, Scene } from "./scene.ts";
import { hasFailed } from "./without-http-cache.ts";

/** An allowance that was made for a request. */
export interface Use {
  readonly id: Id;
  /** Names of the findings that it excused. */
  readonly excused: readonly string[];
  /** Whether the answers themselves were others, so that hardly anything of them was compared. */
  readonly isParted: boolean;
}

/** What became of one request on both targets. */
export interface Outcome {
  /** What differs without a reason that is listed. */
  readonly findings: readonly Finding[];
  readonly uses: readonly Use[];
  /** Whether from here on the caches hold different things, for a reason that is listed. */
  readonly isDivided: boolean;
}

/** Both answers to a request, and when it came, in milliseconds since 1970. */
export interface Answers {
  readonly vcl: Seen;
  readonly compute: Seen;
  readonly now: number;
  /** Buckets that health checks find unwell. */
  readonly sick: readonly BucketName[];
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

  #isDisturbed = false;
  /** When what the caches hold was first stored. */
  #since: number | undefined;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  /** Tells that an object was put into its bucket. */
  notePut({ bucket, key }: Pick<CaseObject, "bucket" | "key">): void {
    // A config's key ends in what the app appends its secret segment to.
    this.#replaced.add(`${bucket}/${bucket === "config" ? key.replace(/\/$/, "") : key}`);
  }

  /** Tells that something was purged. */
  notePurge(): void {
    this.#isDisturbed = true;
  }

  /** Tells that both caches were emptied. */
  forget(): void {
    this.#isDisturbed = false;
    this.#since = undefined;
    for (const past of [this.#kept, this.#replaced, this.#codings, this.#failed]) past.clear();
  }

  /** @throws Error where an allowance excuses what it does not say that it may */
  compare(request: CaseRequest, answers: Answers): Outcome {
    const scene: Scene = {
      request,
      setting: this.#setting,
      sick: answers.sick,
      history: this.#history(answers.now),
      vcl: viewOf(answers.vcl),
      compute: viewOf(answers.compute),
      raw: answers,
    };
    for (const take of Object.values(EVERYWHERE)) take(scene);
    const hadTrouble = hasFailed(scene);
    const outcome = judge(scene);
    if (hadTrouble) this.#isDisturbed = true;
    this.#since ??= answers.now;
    this.#note(request, answers);
    return outcome;
  }

  #history(now: number): History {
    return {
      kept: this.#kept,
      replaced: this.#replaced,
      codings: this.#codings,
      failed: new Set([...this.#failed].flatMap(([key, until]) => (until >= now ? [key] : []))),
      isDisturbed: this.#isDisturbed || now > (this.#since ?? now),
    };
  }

  #note(request: CaseRequest, { vcl, compute, now }: Answers): void {
    const coding = codingOf(request);
    const renewed = vcl.asked.filter(({ answer }) => answer === "304");
    const renewedKeys = new Set(renewed.map((one) => keyAsked(this.#setting, one)));
    for (const { key } of compute.stored) {
      this.#kept.add(key);
      // What was stored before is gone: purged, or its time over. A 304 gives time to the encoding that was asked for.
      const wasKnown = this.#codings.delete(key);
      if (wasKnown && renewedKeys.has(key)) this.#codings.set(key, new Set([coding]));
    }
    for (const { key, vary } of vcl.stored) {
      if (vary.join() === "accept-encoding") this.#codingsOf(key).add(coding);
    }
    for (const { key, status } of [...compute.stored, ...vcl.stored]) {
      if (status === 503) this.#failed.set(key, now + FAILURE_MS);
      else this.#failed.delete(key);
    }
  }

  #codingsOf(key: string): Set<string> {
    const known = this.#codings.get(key) ?? new Set();
    this.#codings.set(key, known);
    return known;
  }
}

/** Asks the allowances, one after the other, until nothing is left that differs. */
function judge(scene: Scene): Outcome {
  const uses: Use[] = [];
  let isDivided = false;
  let findings = findingsOf(scene.vcl, scene.compute);
  for (const allowance of ALLOWANCES) {
    if (findings.length === 0) break;
    const verdict = allowance.judge(scene);
    if (verdict === "no") continue;
    const isParted = verdict === "parted";
    const left = isParted
      ? findings.filter(({ what }) => !mayExcuse(allowance, what))
      : findingsOf(scene.vcl, scene.compute);
    const excused = excusedOf(findings, left);
    const wrong = excused.find((what) => !mayExcuse(allowance, what));
    if (wrong !== undefined) throw new Error(`${allowance.id} excuses "${wrong}", which it does not say`);
    if (excused.length > 0) uses.push({ id: allowance.id, excused, isParted });
    if (excused.length > 0 && verdict !== "taken") isDivided = true;
    findings = left;
  }
  return { findings, uses, isDivided };
}

/** Names of what differs less than before. */
function excusedOf(before: readonly Finding[], after: readonly Finding[]): readonly string[] {
  const left = new Map(after.map((one) => [one.what, one]));
  return before.flatMap(({ what, vcl, compute }) => {
    const now = left.get(what);
    return now?.vcl === vcl && now.compute === compute ? [] : [what];
  });
}

function mayExcuse({ excuses }: Allowance, what: string): boolean {
  return excuses.some((one) => (one.endsWith("*") ? what.startsWith(one.slice(0, -1)) : what === one));
}
