import { SitefleetError } from "../../lib/errors.ts";
import { probeText, runProbes } from "./edge-verification.ts";
import type { ProbePlan, ProbeResult } from "./edge-verification.ts";
import type { Published } from "../published.ts";
import type { Receipt } from "./receipt.ts";
import type { RunWatch } from "./run-watch.ts";

/** The verification of one publish: rounds of the same questions, and what came of them. */
export class Verifying {
  readonly #watch: RunWatch;
  readonly #plan: ProbePlan;
  #results: readonly ProbeResult[] = [];

  constructor(watch: RunWatch, plan: ProbePlan) {
    this.#watch = watch;
    this.#plan = plan;
  }

  /** Whether the last round saw the release everywhere. */
  get isRight(): boolean {
    return this.#results.every(({ problem }) => problem === undefined);
  }

  /** @param until epoch milliseconds; every question is asked at least once */
  async round(until: number): Promise<void> {
    const { deps, edge, times } = this.#watch;
    const { probes } = this.#plan;
    const results = await runProbes(deps, edge, { probes, until });
    this.#results = results.map((result, index) => added(this.#results[index], result));
    if (this.isRight && !times.has("liveAt")) this.#watch.note("liveAt");
  }

  /** What is known of the run by now. */
  receiptOf(report: Published & { readonly release: string }): Receipt {
    const { startedAt, counts, purged } = this.#watch;
    const { site, siteEnv, release, previous, files, redirects, bytes, written } = report;
    const { uploaded, uploadedBytes, copied } = written ?? { uploaded: 0, uploadedBytes: 0, copied: 0 };
    return {
      format: 1,
      site,
      siteEnv,
      release,
      previous,
      kind: written?.kind ?? "unchanged",
      files,
      redirects,
      bytes,
      written: { uploaded, uploadedBytes, copied },
      requests: { ...counts },
      times: { started: momentOf(startedAt, startedAt), ...this.#moments() },
      purgeKeys: [...purged].sort(),
      verified: this.isRight,
      hosts: { ...this.#plan.hosts },
      probes: this.#results.map((result) => ({ ...result, keys: [...result.keys] })),
      notes: [...this.#plan.notes],
    };
  }

  /** Why the publish cannot be called verified. */
  failure(release: string): SitefleetError {
    const wrong = this.#results.filter(({ problem }) => problem !== undefined);
    return new SitefleetError(
      "publish/not-verified",
      `release ${release} is committed and purged, but ${wrong.length} of ${this.#results.length} answers of the edge are not right`,
      {
        details: wrong.map(probeText),
        hint: "the purge stays owed; run the command again to purge and look again, or `sitefleet purge --owed --send`",
      },
    );
  }

  #moments(): Omit<Receipt["times"], "started"> {
    const { startedAt, times } = this.#watch;
    const sorted = [...times].sort(([, a], [, b]) => a - b);
    return Object.fromEntries(sorted.map(([name, at]) => [name, momentOf(at, startedAt)]));
  }
}

function momentOf(at: number, startedAt: number): { readonly at: string; readonly ms: number } {
  return { at: new Date(at).toISOString(), ms: at - startedAt };
}

/** A later answer; how long it took until the first right one is kept. */
function added(before: ProbeResult | undefined, now: ProbeResult): ProbeResult {
  if (!before) return now;
  const wasRight = before.problem === undefined;
  const ms = wasRight && now.problem === undefined ? before.ms : before.ms + now.ms;
  return { ...now, attempts: before.attempts + now.attempts, ms };
}
