import type { HeaderList } from "../../http/header-list.ts";
import type { DirectorSpec } from "../../vcl/runtime.ts";
import { popOfShield } from "../pops.ts";
import type { EdgeParts, Pop } from "./parts.ts";

/** Which POPs a request came through, from its Fastly-FF header. */
export interface HopChain {
  /** `fastly.ff.visits_this_service`: POPs before this one that ran the same service. */
  readonly visits: number;
  readonly pops: readonly string[];
  /** The newest entry, whoever made it. */
  readonly last: string;
}

const NO_HOPS: HopChain = { visits: 0, pops: [], last: "" };

/** Reads the chain; entries that this edge did not sign do not count. */
export function readHopChain(headers: HeaderList, serviceId: string, parts: EdgeParts): HopChain {
  const lines = headers.getAll("Fastly-FF");
  if (lines.length === 0) return NO_HOPS;
  const pops: string[] = [];
  let visits = 0;
  for (const entry of lines.join(",").split(",")) {
    const [signature = "", pop = "", identity = ""] = entry.trim().split("!");
    if (signature !== parts.signHop(`${serviceId}!${pop}!${identity}`)) continue;
    visits += 1;
    pops.push(pop);
  }
  return { visits, pops, last: (lines.join(",").split(",").at(-1) ?? "").trim() };
}

/** Whether the POP that sent the request ran a given service, by an entry that this edge signed. */
export function wasLastHop(chain: HopChain, serviceId: string, parts: EdgeParts): boolean {
  const [signature = "", pop = "", identity = ""] = chain.last.split("!");
  return chain.last !== "" && signature === parts.signHop(`${serviceId}!${pop}!${identity}`);
}

/** Adds this POP to the chain of a request that leaves for the next one. */
export function appendHop(headers: HeaderList, hop: { pop: Pop; serviceId: string; parts: EdgeParts }): void {
  const { pop, serviceId, parts } = hop;
  const entry = `${parts.signHop(`${serviceId}!${pop.name}!${pop.identity}`)}!${pop.name}!${pop.identity}`;
  const before = headers.getAll("Fastly-FF");
  headers.set("Fastly-FF", [...before, entry].join(", "));
}

/** Whether a shield director leads to a POP that this request is at or has been at. */
export function hasVisited(director: DirectorSpec, at: Pop, chain: HopChain): boolean {
  const name = popOfShield(director.shield ?? director.name);
  return name === at.name || chain.pops.includes(name);
}
