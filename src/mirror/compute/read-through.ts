import { CLIENT_CONDITIONS } from "../edge/bereq.ts";
import { HeaderList } from "../../http/header-list.ts";
import { discard } from "../edge/body.ts";
import type { ResponseBody } from "../edge/body.ts";
import type { CacheEntry } from "../edge/cache-entry.ts";
import type { FetchTurn } from "../edge/collapsing.ts";
import { revalidationHeaders } from "../edge/conditional.ts";
import { GrowingBody } from "../edge/growing-body.ts";
import type { BackendReply } from "../edge/origin.ts";
import type { ComputeVisit } from "../edge/parts.ts";
import type { FetchMark } from "../edge/purge-log.ts";
import { CandidateResponse } from "./candidate.ts";
import type { CachingPlan, FetchPlan } from "./fetch-plan.ts";
import { isUsableOnError, lookUp, noteChoice } from "./lookup.ts";
import { toHeaderList, toHeaders } from "./messages.ts";
import type { OriginSender } from "./origin-sender.ts";
import { chosenAction, planBlindStorage, planStorage } from "./storage-plan.ts";
import type { Storable, StorageAction } from "./storage-plan.ts";
import { keep, noteUncacheable, renew } from "./storing.ts";

/** One cached `fetch` on its way. */
export interface ReadThrough {
  readonly visit: ComputeVisit;
  readonly sender: OriginSender;
  readonly plan: FetchPlan;
  readonly caching: CachingPlan;
  /** Whether the service has the HTTP cache, so that `afterSend` and `beforeSend` run. */
  readonly hasHttpCache: boolean;
}

/** What a fetch brought, before it is a response. */
export interface Fetched {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: ResponseBody;
  /** As the inspector calls it. */
  readonly state: "HIT" | "HIT-STALE" | "MISS" | "PASS";
  /** What it was taken from or went into; `null` = nothing that is stored. */
  readonly entry: CacheEntry | null;
}

/** The right, and the duty, to bring what a key stands for. */
class Obligation {
  readonly mark: FetchMark;
  readonly #visit: ComputeVisit;
  #turn: FetchTurn | null;
  #ended = false;

  constructor(visit: ComputeVisit, turn: FetchTurn | null) {
    this.#visit = visit;
    this.#turn = turn;
    this.mark = visit.pop.store.beginFetch();
  }

  /** `shared`: there is something for those who wait; else the first of them fetches. */
  end(outcome: "shared" | "private"): void {
    if (this.#ended) return;
    this.#ended = true;
    const { busy, store } = this.#visit.pop;
    if (this.#turn !== null) busy.release(this.#turn, outcome);
    this.#turn = null;
    store.endFetch(this.mark);
  }
}

/** What a fetch may fall back to and has to end. */
interface Task {
  readonly stale: CacheEntry | null;
  readonly duty: Obligation;
}

/**
 * `fetch` by way of the cache of the POP: what is fresh as it is, what is stale while it is fetched anew in the
 * background, else from the backend.
 * @throws what a hook threw, or the sender, unless there is something stale to show
 */
export async function readThrough(work: ReadThrough): Promise<Fetched> {
  const { visit, plan, caching } = work;
  const { parts, pop, recorder } = visit;
  const began = parts.clock.now();
  const lookup = await lookUp(visit, caching.key, plan.request.headers);
  const { waited } = lookup;
  const entry = lookup.kind === "found" ? lookup.entry : null;
  const state = lookup.kind === "fetch" ? "MISS" : lookup.state === "fresh" ? "HIT" : "HIT-STALE";
  if (entry !== null) {
    entry.hits += 1;
    entry.lastUse = parts.clock.now();
    pop.store.touch(entry);
  }
  recorder?.lookup({ key: caching.key, state, waited, entry, began, now: parts.clock.now() });
  if (lookup.kind === "fetch") {
    return fetchAnew(work, { stale: lookup.stale, duty: new Obligation(visit, lookup.turn) });
  }
  if (lookup.state === "revalidate") refresh(work, lookup.entry);
  return fromEntry(lookup.entry, state, visit);
}

/** Fetches what is stale anew while it is shown; one fetch per key is enough, and nobody hears of its trouble. */
function refresh(work: ReadThrough, stale: CacheEntry): void {
  const { pop, parts } = work.visit;
  const turn = pop.busy.take(work.caching.key);
  if (turn === null) return;
  const duty = new Obligation(work.visit, turn);
  const detached = { ...work, sender: work.sender.detached() };
  const done = fetchAnew(detached, { stale: null, duty }, stale).then(
    ({ body, entry }) => {
      if (entry === null) discard(body);
    },
    () => undefined,
  );
  parts.background(done);
}

/**
 * A hook's promise was rejected. For an error that a hook throws js-compute shows what is stale; this one it takes for an
 * answer to be stored, and breaks down if there is something stale (`after_send_catch`, `stream_back_then_handler`).
 */
class RejectedHook extends Error {}

async function promised<T>(said: Promise<T> | T): Promise<T> {
  if (!(said instanceof Promise)) return said;
  try {
    return await said;
  } catch (error) {
    throw new RejectedHook("a hook's promise was rejected", { cause: error });
  }
}

/** Asks the backend and stores what comes; `known` is what a conditional request may ask about. */
async function fetchAnew(work: ReadThrough, task: Task, known = task.stale): Promise<Fetched> {
  try {
    return await fetchAndStore(work, task.duty, known);
  } catch (error) {
    const { stale, duty } = task;
    const { visit } = work;
    const isUsable = isUsableOnError(stale, visit.parts.clock.now());
    if (error instanceof RejectedHook && !isUsable) throw error.cause;
    if (error instanceof RejectedHook || !isUsable) throw error;
    noteChoice(stale);
    duty.end("shared");
    stale.hits += 1;
    visit.pop.store.touch(stale);
    return fromEntry(stale, "HIT-STALE", visit);
  } finally {
    task.duty.end("private");
  }
}

async function fetchAndStore(
  work: ReadThrough,
  duty: Obligation,
  stale: CacheEntry | null,
): Promise<Fetched> {
  const { plan, sender } = work;
  const asked = await backendRequest(work, stale);
  const reply = await sender.send(plan.spec, asked);
  try {
    return await storeReply(work, { reply, duty, stale, isConditional: isConditional(asked.headers, stale) });
  } catch (error) {
    discard(reply.body);
    throw error;
  }
}

async function backendRequest(
  { plan, caching, hasHttpCache }: ReadThrough,
  stale: CacheEntry | null,
): Promise<FetchPlan["request"]> {
  const headers = plan.request.headers.clone();
  for (const name of CLIENT_CONDITIONS) headers.unset(name);
  for (const [name, value] of validatorsOf(stale)) headers.set(name, value);
  const { beforeSend } = caching.override.init;
  if (!hasHttpCache || beforeSend === undefined) return { ...plan.request, headers };
  const shown = toHeaders(headers);
  await promised(beforeSend({ headers: shown }));
  return { ...plan.request, headers: toHeaderList(shown) };
}

/** What is still arriving cannot be said to be unchanged. */
function validatorsOf(stale: CacheEntry | null): readonly (readonly [string, string])[] {
  if (stale === null || stale.hitForPass || stale.body instanceof GrowingBody) return [];
  return revalidationHeaders(stale.headers);
}

function isConditional(asked: HeaderList, stale: CacheEntry | null): boolean {
  return validatorsOf(stale).some(([name, value]) => asked.get(name) === value);
}

interface Arrival {
  readonly reply: BackendReply;
  readonly duty: Obligation;
  readonly stale: CacheEntry | null;
  readonly isConditional: boolean;
}

async function storeReply(work: ReadThrough, arrival: Arrival): Promise<Fetched> {
  const { visit, caching, hasHttpCache } = work;
  const answer = storableOf(arrival);
  const now = visit.parts.clock.now();
  const plan = (hasHttpCache ? planStorage : planBlindStorage)(answer, caching, now / 1000);
  const candidate = new CandidateResponse(
    { status: answer.status, headers: toHeaders(answer.headers), age: plan.age },
    plan.cache,
    () => isUsableOnError(arrival.stale, visit.parts.clock.now()),
  );
  const { afterSend } = caching.override.init;
  const said = hasHttpCache && afterSend !== undefined ? await promised(afterSend(candidate)) : undefined;
  const action = chosenAction(plan.action, said?.cache);
  return act(work, { ...arrival, unchanged: answer.unchanged, candidate, action });
}

/** A 304 brings new header lines for what is stored (RFC 9111 §3.2), in whose form it goes on. */
function storableOf({ reply, stale, isConditional: asked }: Arrival): Storable {
  if (reply.status !== 304 || stale === null || !asked) {
    return { status: reply.status, headers: reply.headers, unchanged: null };
  }
  const headers = stale.headers.clone();
  for (const name of new Set(reply.headers.lowerNames())) {
    if (NOT_UPDATED.has(name)) continue;
    headers.unset(name);
    for (const value of reply.headers.getAll(name)) headers.add(name, value);
  }
  return { status: stale.status, headers, unchanged: stale };
}

/** They describe the body of the 304, which has none. */
const NOT_UPDATED = new Set(["content-encoding", "content-length", "content-range", "content-type"]);

interface Decided extends Arrival {
  readonly unchanged: CacheEntry | null;
  readonly candidate: CandidateResponse;
  readonly action: StorageAction;
}

function act(work: ReadThrough, decided: Decided): Fetched {
  const { visit, caching, plan } = work;
  const { reply, duty, unchanged, candidate, action } = decided;
  const place = { visit, key: caching.key, request: plan.request.headers, mark: duty.mark };
  const body = unchanged === null ? reply.body : unchanged.read();
  if (unchanged !== null) discard(reply.body);
  switch (action) {
    case "insert":
    case "update": {
      const entry =
        unchanged === null ? keep(place, candidate, reply.body) : renew(place, candidate, unchanged);
      if (entry === null) break;
      duty.end("shared");
      return fromEntry(entry, "MISS", visit);
    }
    case "record-uncacheable":
      noteUncacheable(place, candidate);
      duty.end("shared");
      break;
    default:
      duty.end("private");
  }
  const headers = toHeaderList(candidate.headers);
  return { status: candidate.status, headers, body, state: "MISS", entry: null };
}

/** What is stored, with the age that it has now and the length that is known of it. */
function fromEntry(entry: CacheEntry, state: Fetched["state"], { parts }: ComputeVisit): Fetched {
  const headers = entry.headers.clone();
  const body = entry.read();
  const length = body.kind === "bytes" ? body.bytes.length : body.length;
  if (length !== null) headers.set("Content-Length", String(length));
  headers.set("Age", String(entry.age(parts.clock.now())));
  return { status: entry.status, headers, body, state, entry };
}
