import type { BucketName, CaseObject, CaseRequest } from "./equality-case.ts";
import type { Setting } from "./settings.ts";
import type { Seen } from "./edge.ts";
import { findingsOf, viewOf } from "./view.ts";
import type { Finding } from "./view.ts";
import { ALLOWANCES, EVERYWHERE } from "./allowances.ts";
import type { Allowance, Id } from "./allowances.ts";
import type { Scene } from "./scene.ts";
import { Shelf } from "./shelf.ts";
import type { Held } from "./shelf.ts";

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

/** Both answers to a request, and what the caches held before it. */
export interface Answers {
  readonly vcl: Seen;
  readonly compute: Seen;
  readonly held: { readonly vcl: readonly Held[]; readonly compute: readonly Held[] };
  /** Buckets that health checks find unwell. */
  readonly sick: readonly BucketName[];
}

/** Compares the answers of a case, one after the other; knows what was put before. */
export class Comparison {
  readonly #setting: Setting;
  readonly #replaced = new Set<string>();

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  /** Tells that an object was put into its bucket. */
  notePut({ bucket, key }: Pick<CaseObject, "bucket" | "key">): void {
    // A config's key ends in what the app appends its secret segment to.
    this.#replaced.add(`${bucket}/${bucket === "config" ? key.replace(/\/$/, "") : key}`);
  }

  /** Tells that both caches were emptied. */
  forget(): void {
    this.#replaced.clear();
  }

  /** @throws Error where an allowance excuses what it does not say that it may */
  compare(request: CaseRequest, { vcl, compute, held, sick }: Answers): Outcome {
    const scene: Scene = {
      request,
      setting: this.#setting,
      sick,
      history: { vcl: new Shelf(held.vcl), compute: new Shelf(held.compute), replaced: this.#replaced },
      vcl: viewOf(vcl),
      compute: viewOf(compute),
      raw: { vcl, compute },
    };
    for (const take of Object.values(EVERYWHERE)) take(scene);
    return judge(scene);
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
