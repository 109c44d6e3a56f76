import { HeaderList } from "../../http/header-list.ts";
import { reasonOf } from "../../http/status-reasons.ts";
import type { ResponseBody } from "../edge/body.ts";
import { CacheEntry } from "../edge/cache-entry.ts";
import type { EntryInit } from "../edge/cache-entry.ts";
import { GrowingBody } from "../edge/growing-body.ts";
import type { ComputeVisit } from "../edge/parts.ts";
import type { FetchMark } from "../edge/purge-log.ts";
import { fillEntry, storedHeaders } from "../edge/stored-body.ts";
import { varySpec } from "../edge/vary.ts";
import type { CandidateResponse } from "./candidate.ts";
import { toHeaderList } from "./messages.ts";
import { MAX_VARY_RULES } from "./storage-plan.ts";

/** Bytes of the largest object (docs.fastly.com/products/compute-resource-limits, "Maximum cached object size"). */
const MAX_COMPUTE_OBJECT = 100 * 1024 * 1024;

/** Where something is stored. */
export interface StoringPlace {
  readonly visit: ComputeVisit;
  readonly key: string;
  /** The headers that were asked with: what `Vary` chooses by. */
  readonly request: HeaderList;
  readonly mark: FetchMark;
}

/**
 * Stores an answer whose body may still arrive: every reader follows at its own speed, and what is longer than the
 * largest object breaks off there. `null` where it has more rules for `Vary` than an object may have.
 */
export function keep(
  place: StoringPlace,
  candidate: CandidateResponse,
  body: ResponseBody,
): CacheEntry | null {
  if (candidate.vary.length > MAX_VARY_RULES) return null;
  if (body.kind === "bytes") return insert(place, entryInit(place, candidate, body.bytes));
  const growing = new GrowingBody(body.length);
  const entry = insert(place, entryInit(place, candidate, growing));
  const { parts, pop } = place.visit;
  parts.background(fillEntry({ body, growing, entry, store: pop.store, limit: MAX_COMPUTE_OBJECT }));
  return entry;
}

/** What is stored lives on under the answer's headers and times: only the body stays. */
export function renew(
  place: StoringPlace,
  candidate: CandidateResponse,
  stored: CacheEntry,
): CacheEntry | null {
  if (candidate.vary.length > MAX_VARY_RULES) return null;
  const { store } = place.visit.pop;
  const isPurged = store.purgedSince(stored, place.mark);
  const entry = new CacheEntry(entryInit(place, candidate, stored.body), place.visit.parts.clock.now());
  entry.hits = stored.hits;
  // What was purged while the backend was asked must not come back by way of "it has not changed".
  return isPurged ? entry : insertEntry(place, entry);
}

/** A note in place of an object: requests for the key do not wait for one another for a while. */
export function noteUncacheable(place: StoringPlace, candidate: CandidateResponse): void {
  const init = entryInit(place, candidate, Buffer.alloc(0));
  insert(place, { ...init, staleIfError: 0, staleWhileRevalidate: 0, hitForPass: true });
}

function insert(place: StoringPlace, init: EntryInit): CacheEntry {
  return insertEntry(place, new CacheEntry(init, place.visit.parts.clock.now()));
}

/** What no lookup could ever deliver is not stored; whoever asked still reads it. */
function insertEntry({ visit, request, mark }: StoringPlace, entry: CacheEntry): CacheEntry {
  const now = visit.parts.clock.now();
  const isDead = entry.ttl(now) <= 0 && entry.staleIfError <= 0 && entry.staleWhileRevalidate <= 0;
  if (!isDead) visit.pop.store.insert(entry, request, { mark, now });
  return entry;
}

function entryInit(
  { visit, key, request }: StoringPlace,
  candidate: CandidateResponse,
  body: EntryInit["body"],
): EntryInit {
  const { id } = visit.run.active;
  const chosenBy = HeaderList.from(candidate.vary.map((name) => ["Vary", name] as const));
  return {
    key,
    vary: varySpec(chosenBy, request),
    status: candidate.keptStatus,
    reason: reasonOf(candidate.keptStatus),
    headers: storedHeaders(toHeaderList(candidate.headers)),
    body,
    ttl: candidate.ttl,
    staleWhileRevalidate: candidate.swr,
    staleIfError: candidate.staleIfError,
    age: candidate.age,
    surrogateKeys: [...new Set(candidate.surrogateKeys)].map((one) => `${id} ${one}`),
    hitForPass: false,
    esi: false,
    segment: null,
  };
}
