import type { HeaderList } from "../../http/header-list.ts";
import type { CacheEntry } from "../edge/cache-entry.ts";
import type { FetchTurn } from "../edge/collapsing.ts";
import type { ComputeVisit } from "../edge/parts.ts";
import { judge } from "../edge/staleness.ts";
import type { LookupVerdict } from "../edge/staleness.ts";

/** What a lookup in a POP's cache leads to. */
export type Lookup =
  | {
      readonly kind: "found";
      readonly entry: CacheEntry;
      /** `error`: the request that fetched on behalf of this one chose what is stale. */
      readonly state: "fresh" | "revalidate" | "error";
      readonly waited: boolean;
    }
  | {
      readonly kind: "fetch";
      /** What was stored and may no longer be shown as it is. */
      readonly stale: CacheEntry | null;
      /** `null`: a note says that requests for this key do not wait for one another. */
      readonly turn: FetchTurn | null;
      readonly waited: boolean;
    };

/** Programs have no say in how stale is too stale, and whether a backend is sick shows when it is asked. */
const NO_LIMITS = {
  maxStaleWhileRevalidate: null,
  maxStaleIfError: null,
  hashIgnoreBusy: false,
  sick: () => false,
} as const;

/** How often what is stale was chosen instead of an answer, by what was chosen. */
const CHOICES = new WeakMap<CacheEntry, number>();

/**
 * Ends a turn with what is stale: everybody who waits gets it as well, but what is stored stays as it is, and the next
 * request tries again (`transaction_choose_stale` of Fastly's http_cache calls).
 */
export function noteChoice(entry: CacheEntry): void {
  CHOICES.set(entry, (CHOICES.get(entry) ?? 0) + 1);
}

/** Whether what is stored may be shown where no answer can be had. `now` in milliseconds. */
export function isUsableOnError(entry: CacheEntry | null, now: number): entry is CacheEntry {
  return entry !== null && !entry.hitForPass && -entry.ttl(now) < entry.staleIfError;
}

/** Looks a key up; waits for a fetch of it that is under way (concepts/edge-state/cache/request-collapsing). */
export async function lookUp(
  { pop, parts }: ComputeVisit,
  key: string,
  headers: HeaderList,
): Promise<Lookup> {
  let waited = false;
  let turn: FetchTurn | null = null;
  let before: { readonly entry: CacheEntry | null; readonly choices: number } | null = null;
  for (;;) {
    const now = parts.clock.now();
    const entry = usableEntry(pop.store.find(key, headers), now);
    const choices = entry === null ? 0 : (CHOICES.get(entry) ?? 0);
    const isChosen = before !== null && before.entry === entry && choices > before.choices;
    const settled = settle(entry, { verdict: verdictOf(entry, now), isChosen, waited });
    if (settled !== null) {
      if (turn !== null) pop.busy.release(turn, "shared");
      return settled;
    }
    turn ??= pop.busy.take(key);
    if (turn !== null) return { kind: "fetch", stale: entry, turn, waited };
    before = { entry, choices };
    waited = true;
    turn = await pop.busy.wait(key);
  }
}

/** A note that has expired is none. */
function usableEntry(entry: CacheEntry | null, now: number): CacheEntry | null {
  return entry !== null && entry.hitForPass && entry.ttl(now) <= 0 ? null : entry;
}

function verdictOf(entry: CacheEntry | null, now: number): LookupVerdict {
  return entry === null ? "expired" : judge(entry, NO_LIMITS, now);
}

/** `null`: it takes a fetch, by whoever has the turn. */
function settle(
  entry: CacheEntry | null,
  by: { readonly verdict: LookupVerdict; readonly isChosen: boolean; readonly waited: boolean },
): Lookup | null {
  if (entry === null) return null;
  const { verdict, isChosen, waited } = by;
  if (entry.hitForPass) return { kind: "fetch", stale: null, turn: null, waited };
  if (verdict === "fresh") return { kind: "found", entry, state: "fresh", waited };
  if (verdict === "revalidate") return { kind: "found", entry, state: "revalidate", waited };
  return verdict === "usable" && isChosen ? { kind: "found", entry, state: "error", waited } : null;
}
