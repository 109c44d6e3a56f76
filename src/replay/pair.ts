import type { Clock } from "../lib/clock.ts";
import { popOfShield } from "../mirror/pops.ts";
import { differencesOf } from "./difference.ts";
import type { Difference } from "./difference.ts";
import { EDGE_POP, EdgeSide } from "./edge-side.ts";
import type { StoreBackend } from "./memory-origins.ts";
import type { ObjectView } from "./object-view.ts";
import type { Observation } from "./observation.ts";
import { prepareRequest } from "./request.ts";
import type { ReplayRequest } from "./request.ts";
import type { Sides } from "./side-program.ts";

/** What became of one request. */
export type PairOutcome =
  | { readonly kind: "alike" }
  /** Refused before any VCL, and so on both sides. */
  | { readonly kind: "refused"; readonly status: number; readonly reason: string }
  | {
      readonly kind: "differs";
      readonly differences: readonly Difference[];
      readonly before: Observation;
      readonly after: Observation;
    };

export interface EdgePairInit {
  readonly sides: Sides;
  readonly view: ObjectView;
  readonly stores: ReadonlyMap<string, StoreBackend>;
  /** Epoch milliseconds at which the first request is answered. */
  readonly startedAt: number;
}

const ALIKE = { kind: "alike" } as const;

/** Two edges, one for each side, that are asked the same at the same time over the same stores. */
export class EdgePair {
  readonly #before: EdgeSide;
  readonly #after: EdgeSide;
  readonly #clock: { now: number };
  #count = 0;

  constructor(init: EdgePairInit) {
    const { view, stores, sides } = init;
    const state = { now: init.startedAt };
    this.#clock = state;
    const clock: Clock = { now: () => state.now, sleep: () => Promise.resolve() };
    this.#before = new EdgeSide({ program: sides.before, view, stores, clock });
    this.#after = new EdgeSide({ program: sides.after, view, stores, clock });
  }

  /** How many requests were answered: what its caches hold grows with it. */
  get count(): number {
    return this.#count;
  }

  async ask(request: ReplayRequest): Promise<PairOutcome> {
    const { after: wait = 0, at = 0, fault } = request;
    this.#clock.now = Math.max(this.#clock.now + wait * 1000, at);
    const pop = request.shield === undefined ? EDGE_POP : popOfShield(request.shield);
    const prepared = prepareRequest(request, this.#before.identity(pop));
    if (prepared.kind === "refused") return prepared;
    const turn = { hop: prepared.hop, pop, fault, seed: (this.#count += 1) };
    const before = await this.#before.answer(turn);
    const after = await this.#after.answer(turn);
    const differences = differencesOf(before, after);
    return differences.length === 0 ? ALIKE : { kind: "differs", differences, before, after };
  }
}
