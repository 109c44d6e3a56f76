import type { Clock } from "../../lib/clock.ts";
import { assertNever } from "../../lib/errors.ts";

/**
 * What a deploy does, in this order: looking at what is live; the draft; its writes; Fastly's validation; items and
 * entries beside the version; activation; waiting until every edge answers; the conformance cases; what is remembered.
 */
export type DeployPhase =
  "plan" | "draft" | "write" | "validate" | "tables" | "activate" | "edge" | "verify" | "record";

export interface StepTiming {
  readonly step: DeployPhase;
  readonly ms: number;
}

/** Tells how long each step of a deploy took: a step ends where the next one begins, so that nothing is left out. */
export class StepTimer {
  readonly #clock: Pick<Clock, "now">;
  readonly #timings = new Map<DeployPhase, number>();
  #since: number;

  /** Begins with the first step. */
  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
    this.#since = clock.now();
  }

  /** Ends a step; what a step takes in several parts is added up. */
  end(step: DeployPhase): void {
    const now = this.#clock.now();
    this.#timings.set(step, (this.#timings.get(step) ?? 0) + Math.max(0, now - this.#since));
    this.#since = now;
  }

  /** The steps that have ended, in the order in which they first did. */
  get timings(): readonly StepTiming[] {
    return [...this.#timings].map(([step, ms]) => ({ step, ms }));
  }

  /** From the start to the moment at which every edge answered; `null` before that. */
  get edgeMs(): number | null {
    if (!this.#timings.has("edge")) return null;
    const steps = [...this.#timings];
    const last = steps.findIndex(([step]) => step === "edge");
    return steps.slice(0, last + 1).reduce((sum, [, ms]) => sum + ms, 0);
  }
}

/** The steps as lines for people, the sum to the edge last; empty when there were none. */
export function formatTimings(timings: readonly StepTiming[], edgeMs: number | null): readonly string[] {
  const lines = timings.map(({ step, ms }) => `  ${describePhase(step).padEnd(WIDTH)} ${formatMs(ms)}`);
  return edgeMs === null
    ? lines
    : [...lines, `  ${"from start to every edge".padEnd(WIDTH)} ${formatMs(edgeMs)}`];
}

const WIDTH = 26;

function formatMs(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1).padStart(6)} s`;
}

function describePhase(step: DeployPhase): string {
  switch (step) {
    case "plan":
      return "read what is live, plan";
    case "draft":
      return "make the draft";
    case "write":
      return "write to it";
    case "validate":
      return "Fastly validates";
    case "tables":
      return "items and entries";
    case "activate":
      return "activate";
    case "edge":
      return "until every edge answers";
    case "verify":
      return "conformance cases";
    case "record":
      return "remember it";
    default:
      return assertNever(step);
  }
}
