import { pageKey } from "./page-key.ts";
import { localPlace } from "./redirect-resolver.ts";
import type { Asked, Resolver, Winner } from "./redirect-resolver.ts";
import { isPageRule, matchRule, patternText, redirectLocation } from "./rule-slots.ts";
import type { SlotRule } from "./rule-slots.ts";

/** What becomes of a visitor who follows a rule. */
export type Course =
  | { readonly kind: "ends" }
  | { readonly kind: "chain"; readonly through: number; readonly end: string }
  | { readonly kind: "loop"; readonly through: number | undefined; readonly reason: string };

/** Where following begins. */
export interface Start {
  readonly asked: Asked;
  readonly location: string;
  readonly conditional: boolean;
}

/** More hops than any browser follows. */
const HOP_LIMIT = 20;

/** A request that a pattern matches, with made-up text where it captures, and where it leads; none for page rules. */
export function sampleStart(slot: SlotRule): Start | undefined {
  if (isPageRule(slot)) return undefined;
  const text = patternText(slot).replaceAll(/\/:(?=\/|$)/g, "/sample-segment");
  const path = text.replace(/\/\*$/, "/sample-rest");
  const query = slot.query.map(({ name, value }) => `${name}=${value ?? "sample"}`).join("&");
  const match = matchRule([slot], { path, query }, { forced: slot.forced });
  if (match?.kind !== "redirect") return undefined;
  const asked = { path, key: pageKey(path), query };
  return { asked, location: redirectLocation(match), conditional: slot.query.length > 0 };
}

/** Follows a rule's target through the other rules. */
export function followCourse(resolver: Resolver, start: Start, index: number): Course {
  const seen = new Set([state(start.asked, start)]);
  let { location } = start;
  let chained: number | undefined;
  for (let hop = 0; hop < HOP_LIMIT; hop += 1) {
    const asked = localPlace(location);
    const winner = asked && resolver.winner(asked);
    if (asked === undefined || winner?.location === undefined) break;
    if (seen.has(state(asked, winner))) return loop(hop, winner);
    seen.add(state(asked, winner));
    chained ??= winner.index;
    ({ location } = winner);
    if (hop === HOP_LIMIT - 1) {
      return { kind: "loop", through: undefined, reason: `never ends: ${asked.path} is redirected again` };
    }
  }
  return chained === undefined || chained === index
    ? { kind: "ends" }
    : { kind: "chain", through: chained, end: location };
}

/** Two requests in the same state have the same course. */
function state(asked: Asked, by: { readonly conditional: boolean }): string {
  return by.conditional ? `${asked.key}?${asked.query}` : asked.key;
}

function loop(hop: number, winner: Winner): Course {
  return hop === 0
    ? {
        kind: "loop",
        through: undefined,
        reason: "leads back to its own page (a rule cannot add or remove a trailing slash or `.html`)",
      }
    : { kind: "loop", through: winner.index, reason: "loops by way of" };
}
