import type { Clock } from "../lib/clock.ts";
import { popOfShield } from "../mirror/pops.ts";
import { differencesOf } from "./difference.ts";
import type { Difference } from "./difference.ts";
import { EDGE_POP, EdgeSide } from "./edge-side.ts";
import type { SideTurn } from "./edge-side.ts";
import type { StoreBackend } from "./memory-origins.ts";
import type { ObjectView } from "./object-view.ts";
import type { Observation } from "./observation.ts";
import { prepareRequest } from "./request.ts";
import type { ReplayRequest } from "./request.ts";
import type { SideProgram, Sides, Sighting } from "./side-program.ts";

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

/** A request that only the scout has answered. */
interface PastTurn {
  readonly turn: SideTurn;
  readonly now: number;
}

/**
 * Two edges, one for each side, that are asked the same at the same time over the same stores. As long as no request has
 * come by a place where the programs differ, the old one answers alone: from the same caches, over the same objects, at
 * the same time and with the same random numbers the new one would have done the same. With the first request that does,
 * the new side is asked all that went before, so that its caches are what they would have been, and from then on both
 * are asked.
 */
export class EdgePair {
  readonly #init: EdgePairInit;
  readonly #state: { now: number };
  readonly #clock: Clock;
  #before: EdgeSide;
  /** `null` while the scout goes alone. */
  #after: EdgeSide | null = null;
  #past: PastTurn[] = [];
  #count = 0;

  constructor(init: EdgePairInit) {
    const { sides } = init;
    const state = { now: init.startedAt };
    this.#init = init;
    this.#state = state;
    this.#clock = { now: () => state.now, sleep: () => Promise.resolve() };
    this.#before = this.#side(sides.scout?.side ?? sides.before);
  }

  /** How many requests were answered: what its caches hold grows with it. */
  get count(): number {
    return this.#count;
  }

  async ask(request: ReplayRequest): Promise<PairOutcome> {
    const { after: wait = 0, at = 0, fault } = request;
    this.#state.now = Math.max(this.#state.now + wait * 1000, at);
    const pop = request.shield === undefined ? EDGE_POP : popOfShield(request.shield);
    const prepared = prepareRequest(request, this.#before.identity(pop));
    if (prepared.kind === "refused") return prepared;
    const turn = { hop: prepared.hop, pop, fault, seed: (this.#count += 1) };
    const { scout, after: next } = this.#init.sides;
    if (this.#after === null && scout !== null) return this.#scout(turn, scout.sighting);
    const after = (this.#after ??= this.#side(next));
    return compare(await this.#before.answer(turn), await after.answer(turn));
  }

  async #scout(turn: SideTurn, sighting: Sighting): Promise<PairOutcome> {
    sighting.reached = false;
    sighting.stopped = false;
    const before = await this.#before.answer(turn);
    if (!sighting.reached && !sighting.stopped) {
      this.#past.push({ turn, now: this.#state.now });
      return ALIKE;
    }
    const { sides } = this.#init;
    const isOwn = !sighting.stopped;
    if (!isOwn) this.#before = await this.#caughtUp(sides.before);
    const after = await this.#caughtUp(sides.after);
    this.#after = after;
    this.#past = [];
    return compare(isOwn ? before : await this.#before.answer(turn), await after.answer(turn));
  }

  #side(program: SideProgram): EdgeSide {
    const { view, stores } = this.#init;
    return new EdgeSide({ program, view, stores, clock: this.#clock });
  }

  /** A side that has answered all that the scout answered alone, each at its time. */
  async #caughtUp(program: SideProgram): Promise<EdgeSide> {
    const side = this.#side(program);
    const { now } = this.#state;
    for (const past of this.#past) {
      this.#state.now = past.now;
      await side.answer(past.turn);
    }
    this.#state.now = now;
    return side;
  }
}

function compare(before: Observation, after: Observation): PairOutcome {
  const differences = differencesOf(before, after);
  return differences.length === 0 ? ALIKE : { kind: "differs", differences, before, after };
}
