import { randomUUID } from "node:crypto";
import { z } from "zod";

import { parseJson } from "../lib/json.ts";
import { SitefleetError } from "../lib/errors.ts";
import { forEachLimit } from "../lib/for-each-limit.ts";
import { mapAhead } from "../lib/map-ahead.ts";
import { owedPrefix } from "../site/layout.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { boundRequest, planCalls } from "./purge-plan.ts";
import type { PurgeRequest } from "./purge-plan.ts";
import { purgeAgain, purgeOnce } from "./purge.ts";
import type { FirstPass, PurgeDeps } from "./purge.ts";

/** A purge that no site owns, as it lies in the config bucket until it has been sent twice. */
export interface StoredPurge extends PurgeRequest {
  readonly key: string;
  readonly etag: string;
  /** ISO 8601. */
  readonly since: string;
  /** How often it has been sent, as far as whoever sent it came to say so. */
  readonly sent: number;
}

export interface OwedDeps extends PurgeDeps {
  readonly config: ObjectStore;
  readonly serverEnv: string;
}

export interface SettleOptions {
  /** Leave alone what is younger, in milliseconds: whoever wrote it is most likely sending it right now. */
  readonly olderThanMs?: number;
}

const PARALLEL_READS = 32;
const PARALLEL_WRITES = 32;
const PARALLEL_CALLS = 8;
/** Keys and purges that are in memory at a time: eight calls' worth. */
const WINDOW = 2_048;
/** Unreadable purges that an error names. */
const NAMED = 20;

const storedSchema = z.strictObject({
  // 1 had neither `site` nor `sent`; a version that wrote it could not tell what they mean.
  format: z.union([z.literal(1), z.literal(2)]),
  keys: z.array(z.string()).min(1),
  soft: z.boolean(),
  reason: z.string(),
  since: z.string(),
  site: z.string().optional(),
  sent: z.int().min(0).default(0),
});

/**
 * Writes purges down, sends them twice together with whatever earlier runs left, and takes them out again: they survive
 * a crash at any moment.
 */
export async function purgeDurably(
  deps: OwedDeps,
  requests: PurgeRequest | readonly PurgeRequest[],
): Promise<void> {
  await storePurges(deps, "reason" in requests ? [requests] : requests);
  await settleStoredPurges(deps);
}

/** Writes purges down; from then on whoever comes next sends them. */
export async function storePurges(deps: OwedDeps, requests: readonly PurgeRequest[]): Promise<void> {
  const { signal } = deps;
  const since = new Date(deps.clock.now()).toISOString();
  const parts = requests.flatMap(boundRequest);
  await forEachLimit(parts, { limit: PARALLEL_WRITES, signal }, async ({ keys, soft, reason, site }) => {
    // The time comes first so that a listing is oldest first.
    const key = `${owedPrefix(deps.serverEnv)}${since}-${randomUUID()}.json`;
    const body = bodyOf({ keys, soft, reason, site, since, sent: 0 });
    await deps.config.put({ key, body, headers: JSON_HEADERS, condition: { kind: "absent" }, signal });
  });
}

/**
 * Sends every stored purge twice and deletes it. A purge is deleted only by a process that read it before it sent its
 * keys, so it has been sent twice since it was written, whatever other processes do meanwhile.
 * @returns how many there were
 * @throws SitefleetError `site/unreadable` at the end, when some could not be read; all others are settled
 */
export async function settleStoredPurges(deps: OwedDeps, options: SettleOptions = {}): Promise<number> {
  const now = deps.clock.now();
  let window: StoredPurge[] = [];
  let keys = 0;
  let settled = 0;
  const settle = async (): Promise<void> => {
    await settleWindow(deps, window);
    settled += window.length;
    window = [];
    keys = 0;
  };
  const unreadable: string[] = [];
  for await (const purge of readStored(deps, unreadable)) {
    if (isYoung(purge.since, now, options)) continue;
    window.push(purge);
    keys += purge.keys.length;
    if (keys >= WINDOW) await settle();
  }
  if (window.length > 0) await settle();
  refuseUnreadable(unreadable);
  return settled;
}

/**
 * All purges that lie in the bucket, oldest first.
 * @throws SitefleetError `site/unreadable` at the end, when some could not be read
 */
export async function* readOwedPurges(deps: OwedDeps): AsyncGenerator<StoredPurge> {
  const unreadable: string[] = [];
  yield* readStored(deps, unreadable);
  refuseUnreadable(unreadable);
}

/**
 * Whether a purge is younger than the options ask for. A date in the future, or none, is never young: a wrong clock must
 * not hide a purge from everybody.
 */
export function isYoung(since: string, now: number, { olderThanMs = 0 }: SettleOptions): boolean {
  const written = Date.parse(since);
  return written <= now && written > now - olderThanMs;
}

async function settleWindow(deps: OwedDeps, window: readonly StoredPurge[]): Promise<void> {
  const { signal } = deps;
  const first: FirstPass[] = [];
  const options = { limit: PARALLEL_CALLS, signal };
  await forEachLimit(planCalls(window), options, async (order) => {
    first.push(await purgeOnce(deps, order));
  });
  try {
    await forEachLimit(first, options, (pass) => purgeAgain(deps, pass));
  } catch (error) {
    if (!signal.aborted) await noteSent(deps, window);
    throw error;
  }
  await deleteSettled(deps, window);
}

/** Writes down that the first pass was made; someone else may have settled the purge meanwhile, which is as good. */
async function noteSent(deps: OwedDeps, window: readonly StoredPurge[]): Promise<void> {
  const { signal } = deps;
  await forEachLimit(window, { limit: PARALLEL_WRITES, signal }, async ({ key, etag, ...purge }) => {
    const body = bodyOf({ ...purge, sent: purge.sent + 1 });
    await deps.config.put({ key, body, headers: JSON_HEADERS, condition: { kind: "etag", etag }, signal });
  });
}

async function deleteSettled(deps: OwedDeps, window: readonly StoredPurge[]): Promise<void> {
  const { signal } = deps;
  const [first, ...others] = window;
  if (first && others.length === 0) return void (await deps.config.delete({ key: first.key, signal }));
  const failures = await deps.config.deleteMany({ keys: window.map(({ key }) => key), signal });
  if (failures.length === 0) return;
  const details = failures.slice(0, NAMED).map(({ key, code, message }) => `${key}: ${code} ${message}`);
  throw new SitefleetError("store/refused", `${failures.length} purges were sent but could not be deleted`, {
    hint: "allow s3:DeleteObject on the config bucket; until then they are sent again and again",
    details,
  });
}

const JSON_HEADERS = { contentType: "application/json" } as const;

function bodyOf(purge: Omit<StoredPurge, "key" | "etag">): string {
  const { keys, soft, reason, since, site, sent } = purge;
  return JSON.stringify({
    format: 2,
    keys,
    soft,
    reason,
    since,
    ...(site === undefined ? {} : { site }),
    sent,
  });
}

/** Reads what is there, several at a time; keys of what cannot be read are put into `unreadable`. */
async function* readStored(deps: OwedDeps, unreadable: string[]): AsyncGenerator<StoredPurge> {
  const { signal } = deps;
  const entries = deps.config.list({ prefix: owedPrefix(deps.serverEnv), signal });
  const found = mapAhead(entries, PARALLEL_READS, async ({ kind, key }) => ({
    key,
    read: kind === "object" ? await deps.config.get({ key, signal }) : undefined,
  }));
  for await (const { key, read } of found) {
    // Another process may have settled it between the listing and the read.
    if (read?.kind !== "ok") continue;
    const purge = parseStored(read.body);
    if (purge === undefined) unreadable.push(key);
    else yield { key, etag: read.object.etag, ...purge };
  }
}

function parseStored(body: Uint8Array): Omit<StoredPurge, "key" | "etag"> | undefined {
  const json = parseJson(Buffer.from(body).toString("utf8"));
  const parsed = storedSchema.safeParse(json);
  if (!parsed.success) return undefined;
  const { keys, soft, reason, since, site, sent } = parsed.data;
  return { keys, soft, reason, since, site, sent };
}

function refuseUnreadable(keys: readonly string[]): void {
  const [first] = keys;
  if (first === undefined) return;
  const what =
    keys.length === 1
      ? `"${first}" is not a purge that this version can read`
      : `${keys.length} stored purges cannot be read by this version`;
  throw new SitefleetError("site/unreadable", what, {
    hint: "update sitefleet; if the object is damaged, purge what it may have meant and delete it",
    details: keys.slice(0, NAMED),
  });
}
