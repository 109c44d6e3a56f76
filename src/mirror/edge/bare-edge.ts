import { DEFAULT_GEO } from "./geo.ts";
import { dateOfSecond } from "./second-date.ts";
import type { EdgeParts, Pop } from "./parts.ts";
import { handleAtPop } from "./pop.ts";
import { PurgeGenerations } from "./purge-generations.ts";

/** What an edge without sockets is told; all else it has nobody for. */
export interface BareEdgeInit
  extends
    Pick<
      EdgeParts,
      "clock" | "pools" | "random" | "nextXid" | "onLog" | "serviceOf" | "shieldPop" | "background"
    >,
    Partial<Pick<EdgeParts, "watch">> {
  /** The POPs that there are, at the time of asking. */
  readonly pops: () => Iterable<Pop>;
}

/** The parts of an edge that is driven without sockets, request by request: nothing in them depends on the machine. */
export function bareEdge({ pops, ...given }: BareEdgeInit): EdgeParts {
  const { clock } = given;
  const parts: EdgeParts = {
    watch: null,
    ...given,
    httpDate: dateOfSecond(clock),
    tlsPortOf: () => null,
    handleAt: (pop, request) => handleAtPop(parts, pop, request),
    // Nobody else is on this wire: an entry of Fastly-FF needs no proof.
    signHop: () => "own",
    geo: DEFAULT_GEO,
    generations: new PurgeGenerations(),
    mayPurge: () => false,
    purgeObject(key, soft) {
      for (const pop of pops()) pop.store.purgeObject(key, { soft, now: clock.now() });
    },
    purgePops(purge) {
      for (const pop of pops()) purge(pop);
    },
  };
  return parts;
}
