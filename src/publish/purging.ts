import { assertNever, SitefleetError } from "../lib/errors.ts";
import { isYoung, readOwedPurges, settleStoredPurges } from "../purge/owed-purges.ts";
import type { OwedDeps, SettleOptions } from "../purge/owed-purges.ts";
import type { PurgeRequest } from "../purge/purge-plan.ts";
import { recordKey } from "../site/layout.ts";
import type { OwedPurge, SiteRecord } from "../site/model.ts";
import { parseDomainName, parseSiteUid } from "../site/names.ts";
import type { ToAscii } from "../site/names.ts";
import { decodePath, encodePath, pageHash, pageKey } from "../site/page-key.ts";
import {
  ALL_KEY,
  domainKey,
  pageSurrogateKey,
  siteKey,
  surrogateKeyProblem,
} from "../site/surrogate-keys.ts";
import { isUnsettled, settleSite } from "./commit.ts";
import { readOwner } from "./config-sync.ts";
import { placeOf, sha256Hex } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { readRecord } from "./record-store.ts";
import { readSites, siteEnvsOf } from "./site-list.ts";

/** What a purge is to reach. */
export type PurgeTarget =
  | { readonly kind: "site"; readonly site: string }
  | { readonly kind: "domain"; readonly domain: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "all" };

/** The surrogate key of a target; a URL becomes the key of its page, which the edge's own URL purge could not reach. */
export async function purgeKeyOf(deps: PublishDeps, target: PurgeTarget, toAscii: ToAscii): Promise<string> {
  return (await keyOf(deps, target, toAscii)).key;
}

/** A key, and the site that it is part of where it is a page's. */
interface TargetKey {
  readonly key: string;
  readonly site?: string;
}

async function keyOf(deps: PublishDeps, target: PurgeTarget, toAscii: ToAscii): Promise<TargetKey> {
  switch (target.kind) {
    case "all":
      return { key: ALL_KEY };
    case "site":
      return { key: siteKey(parseSiteUid(target.site)) };
    case "domain":
      return { key: domainKey(parseDomainName(target.domain, toAscii)) };
    case "key":
      return { key: checkedKey(target.key) };
    case "url":
      return urlKey(deps, target.url, toAscii);
    default:
      return assertNever(target);
  }
}

function checkedKey(key: string): string {
  const problem = surrogateKeyProblem(key);
  if (problem === undefined) return key;
  throw new SitefleetError("cli/usage", `the surrogate key ${problem}`);
}

async function urlKey(deps: PublishDeps, text: string, toAscii: ToAscii): Promise<TargetKey> {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new SitefleetError("cli/usage", `"${text}" is no http(s) URL`);
  }
  const domain = parseDomainName(url.hostname, toAscii);
  const owner = await readOwner(deps, domain);
  if (owner.kind !== "site") {
    throw new SitefleetError("domain/not-found", `no site has the domain "${domain}"`);
  }
  if (owner.config.kind === "alias") {
    throw new SitefleetError(
      "domain/not-found",
      `"${domain}" only redirects to ${owner.config.canonicalHost}`,
      {
        hint: "purge the URL on that host",
      },
    );
  }
  const decoded = decodePath(url.pathname);
  if (decoded.kind === "refused") {
    throw new SitefleetError("cli/usage", `the path of "${text}" ${decoded.reason}`);
  }
  const encodedKey = encodePath(pageKey(decoded.path));
  const key = pageSurrogateKey(pageHash({ site: owner.site, encodedKey }, sha256Hex));
  return { key, site: owner.site };
}

/**
 * Refuses sites and domains that are nobody's. Fastly answers 200 for any key (reference/api/purging), so a mistyped
 * name would look purged. A record or config that cannot be read counts as one: purging is part of mending it.
 * @throws SitefleetError `site/not-found`, `domain/not-found`
 */
export async function refuseUnknown(
  deps: PublishDeps,
  targets: readonly PurgeTarget[],
  toAscii: ToAscii,
): Promise<void> {
  for (const target of targets) {
    if (target.kind === "site") await refuseUnknownSite(deps, parseSiteUid(target.site));
    if (target.kind === "domain") await refuseUnknownDomain(deps, parseDomainName(target.domain, toAscii));
  }
}

async function refuseUnknownSite(deps: PublishDeps, site: string): Promise<void> {
  const siteEnvs = siteEnvsOf(deps);
  for (const siteEnv of siteEnvs) {
    const key = recordKey(placeOf(deps, { site, siteEnv }));
    const found = await deps.store.config.head({ key, signal: deps.signal });
    if (found.kind === "ok") return;
  }
  const where = siteEnvs.map((siteEnv) => `${deps.environment.name}/${siteEnv}`).join(" or ");
  throw new SitefleetError(
    "site/not-found",
    `there is no site "${site}" in ${where}, so nothing was purged`,
    {
      hint: `to purge what a site of this name has left all the same: sitefleet purge --key ${siteKey(site)}`,
    },
  );
}

async function refuseUnknownDomain(deps: PublishDeps, domain: string): Promise<void> {
  const owner = await readOwner(deps, domain);
  if (owner.kind !== "none") return;
  throw new SitefleetError("domain/not-found", `no site has the domain "${domain}", so nothing was purged`, {
    hint: `to purge that it is unknown all the same: sitefleet purge --key ${domainKey(domain)}`,
  });
}

/** What a purge is asked to reach, and how. */
export interface PurgeAsked {
  readonly targets: readonly PurgeTarget[];
  readonly soft: boolean;
  /** Why; shown while the purge is owed. */
  readonly reason: string;
  readonly toAscii: ToAscii;
}

/** The orders for several targets: pages of one site together, so that too many of them can become the site's key. */
export async function purgeRequestsOf(
  deps: PublishDeps,
  asked: PurgeAsked,
): Promise<readonly PurgeRequest[]> {
  const { soft, reason, toAscii } = asked;
  const bySite = new Map<string | undefined, string[]>();
  for (const target of asked.targets) {
    const { key, site } = await keyOf(deps, target, toAscii);
    const domains = target.kind === "site" ? await domainKeysOf(deps, parseSiteUid(target.site)) : [];
    bySite.set(site, [...(bySite.get(site) ?? []), key, ...domains]);
  }
  return [...bySite].map(([site, keys]) => ({ keys: [...new Set(keys)], soft, reason, site }));
}

/** Keys of a site's configs where they do not carry the site's own: see `owedKeys` in commit.ts. */
async function domainKeysOf(deps: PublishDeps, site: string): Promise<readonly string[]> {
  const records = siteEnvsOf(deps).map((siteEnv) => readableRecord(deps, { site, siteEnv }));
  return (await Promise.all(records)).flatMap((record) => Object.keys(record?.domains ?? {}).map(domainKey));
}

/** A site's record; `undefined` where there is none, or one that nobody can read until it is mended. */
async function readableRecord(deps: PublishDeps, ref: SiteRef): Promise<SiteRecord | undefined> {
  try {
    return (await readRecord(deps, ref))?.record;
  } catch (error) {
    if (!(error instanceof SitefleetError) || error.code !== "site/unreadable") throw error;
    return undefined;
  }
}

/** Where purges that no site owns are kept. */
export function owedDepsOf(deps: PublishDeps): OwedDeps {
  return { ...deps, config: deps.store.config, serverEnv: deps.environment.name };
}

/** A purge that is owed, and by whom. */
export interface OwedRow {
  /** `undefined`: none of a site. */
  readonly site: string | undefined;
  readonly siteEnv: string | undefined;
  readonly keys: readonly string[];
  readonly soft: boolean;
  readonly reason: string;
  /** ISO 8601. */
  readonly since: string;
  /** Seconds since then, by this machine's clock. */
  readonly age: number;
  /** How often it has been sent for certain; it is owed until it has been sent twice. */
  readonly sent: number;
}

/** All purges that are owed in the environment: first those that no site owns, oldest first. */
export async function* readOwed(deps: PublishDeps): AsyncGenerator<OwedRow> {
  const now = deps.clock.now();
  const ageOf = (since: string): number => Math.max(0, Math.floor((now - Date.parse(since)) / 1_000));
  for await (const { keys, soft, reason, since, sent } of readOwedPurges(owedDepsOf(deps))) {
    yield { site: undefined, siteEnv: undefined, keys, soft, reason, since, age: ageOf(since), sent };
  }
  for await (const { site, siteEnv, owed } of readSites(deps)) {
    for (const { keys, reason, since, sent } of owed satisfies readonly OwedPurge[]) {
      yield { site, siteEnv, keys, soft: false, reason, since, age: ageOf(since), sent };
    }
  }
}

/**
 * Finishes everything that interrupted runs left: configs of sites and all purges. A site that cannot be finished keeps
 * none of the others from it.
 * @throws the failure of the first such site, at the end
 */
export async function settleOwed(
  deps: PublishDeps,
  options: SettleOptions = {},
): Promise<{ readonly purges: number }> {
  let purges = await settleStoredPurges(owedDepsOf(deps), options);
  const failures: unknown[] = [];
  for await (const record of readSites(deps)) {
    if (!isUnsettled(record) || isAtWork(deps, record, options)) continue;
    const ref = { site: record.site, siteEnv: record.siteEnv };
    try {
      purges += await settleOwedOf(deps, ref);
    } catch (error) {
      deps.signal.throwIfAborted();
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
  return { purges };
}

/**
 * Finishes what interrupted runs left of one site.
 * @returns how many purges that were
 */
export async function settleOwedOf(deps: PublishDeps, ref: SiteRef): Promise<number> {
  const held = await readRecord(deps, ref);
  if (!held) return 0;
  await settleSite(deps, ref, held);
  return held.record.owed.length;
}

/** Whether what a site owes is so young that the run which owes it is most likely still at it. */
function isAtWork(deps: PublishDeps, { owed }: SiteRecord, options: SettleOptions): boolean {
  const now = deps.clock.now();
  return owed.some(({ since }) => isYoung(since, now, options));
}
