import type { OwedPurge } from "../site/model.ts";
import { ALL_KEY, siteKey } from "../site/surrogate-keys.ts";
import type { PurgeOrder } from "./purge.ts";

/** Most keys in one purge call (Fastly, /reference/api/purging, "Purge multiple surrogate key tags"). */
export const KEYS_PER_CALL = 256;

/** Most purges that a site's record keeps apart; more are told as one, with the oldest's date. */
export const OWED_ENTRIES = 32;

/** A purge that somebody asked for. */
export interface PurgeRequest extends PurgeOrder {
  /** Why; shown to whoever finds it owed. */
  readonly reason: string;
  /** The site that all pages among the keys belong to, where they are of one: lets too many of them become its key. */
  readonly site?: string | undefined;
}

/**
 * The fewest calls that reach what all the orders name: every key once, nothing that another one covers, what is purged
 * hard not softly as well, and at most 256 keys a call.
 */
export function planCalls(orders: readonly PurgeRequest[]): readonly PurgeOrder[] {
  const hard = neededKeys(orders.filter(({ soft }) => !soft));
  const gone = new Set(hard);
  const softly = neededKeys(orders.filter((order) => order.soft));
  const soft = softly.filter((key) => !gone.has(key) && !hasCoverOf(gone, key));
  return [
    ...chunks(hard).map((keys) => ({ keys, soft: false })),
    ...chunks(soft).map((keys) => ({ keys, soft: true })),
  ];
}

/**
 * An order in parts of at most 256 keys, as they are written down. Too many keys of one site become the narrowest key
 * that covers them, `s:<site>`; nothing is dropped.
 */
export function boundRequest(request: PurgeRequest): readonly PurgeRequest[] {
  const keys = [...withoutCovered(collapsed(request))].sort();
  return chunks(keys).map((part) => ({ ...request, keys: part }));
}

/**
 * What a site's record owes, bounded. Above 256 keys, or too many entries to tell apart, it becomes one entry under the
 * newest's id: that id is new with the write that stores the list, so nobody has sent it for less. Keys of domains stay:
 * "unknown domain" answers carry no key of a site, and a site has as many as it has domains.
 */
export function boundOwed(owed: readonly OwedPurge[], site: string): readonly OwedPurge[] {
  const [oldest] = owed;
  const newest = owed.at(-1);
  const keys = new Set(owed.flatMap((entry) => entry.keys));
  if (!oldest || !newest || owed.length === 1) return owed;
  if (keys.size <= KEYS_PER_CALL && owed.length <= OWED_ENTRIES) return owed;
  const kept = withoutCovered(collapsed({ keys: [...keys], site }));
  const reason = `${newest.reason} and ${owed.length - 1} before it`;
  return [{ ...newest, keys: [...kept].sort(), reason: reason.slice(0, 200), since: oldest.since, sent: 0 }];
}

function neededKeys(orders: readonly PurgeRequest[]): readonly string[] {
  const bySite = new Map<string | undefined, Set<string>>();
  for (const { keys, site } of orders) {
    const known = bySite.get(site) ?? new Set();
    for (const key of keys) known.add(key);
    bySite.set(site, known);
  }
  const all = [...bySite].flatMap(([site, keys]) => collapsed({ keys: [...keys], site }));
  return [...withoutCovered(all)].sort();
}

/** Pages, releases and configs of a site as the site's key, when they are too many for one call. */
function collapsed(order: {
  readonly keys: readonly string[];
  readonly site?: string | undefined;
}): readonly string[] {
  const { keys, site } = order;
  if (site === undefined || new Set(keys).size <= KEYS_PER_CALL) return keys;
  const all = siteKey(site);
  return [all, ...keys.filter((key) => !isPartOfSite(key, site))];
}

function isPartOfSite(key: string, site: string): boolean {
  return key.startsWith("p:") || key === `c:${site}` || key.startsWith(`r:${site}/`);
}

function withoutCovered(keys: readonly string[]): ReadonlySet<string> {
  const all = new Set(keys);
  return new Set(keys.filter((key) => !hasCoverOf(all, key)));
}

/** Whether purging other keys reaches all that carries `key`; `surrogate-keys.ts` says what each covers. */
function hasCoverOf(keys: ReadonlySet<string>, key: string): boolean {
  if (keys.has(ALL_KEY)) return key !== ALL_KEY;
  const owner = /^[cr]:([^/]+)/.exec(key)?.[1];
  return owner !== undefined && keys.has(siteKey(owner));
}

function chunks(keys: readonly string[]): readonly (readonly string[])[] {
  const parts: (readonly string[])[] = [];
  for (let start = 0; start < keys.length; start += KEYS_PER_CALL) {
    parts.push(keys.slice(start, start + KEYS_PER_CALL));
  }
  return parts;
}
