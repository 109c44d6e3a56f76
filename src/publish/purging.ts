import { assertNever, SitefleetError } from "../lib/errors.ts";
import { readOwedPurges, settleStoredPurges } from "../purge/owed-purges.ts";
import type { OwedDeps } from "../purge/owed-purges.ts";
import type { OwedPurge } from "../site/model.ts";
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
import { sha256Hex } from "./publish-deps.ts";
import type { PublishDeps } from "./publish-deps.ts";
import { readRecord } from "./record-store.ts";
import { readSites } from "./site-list.ts";

/** What a purge is to reach. */
export type PurgeTarget =
  | { readonly kind: "site"; readonly site: string }
  | { readonly kind: "domain"; readonly domain: string }
  | { readonly kind: "url"; readonly url: string }
  | { readonly kind: "key"; readonly key: string }
  | { readonly kind: "all" };

/** The surrogate key of a target; a URL becomes the key of its page, which the edge's own URL purge could not reach. */
export async function purgeKeyOf(deps: PublishDeps, target: PurgeTarget, toAscii: ToAscii): Promise<string> {
  switch (target.kind) {
    case "all":
      return ALL_KEY;
    case "site":
      return siteKey(parseSiteUid(target.site));
    case "domain":
      return domainKey(parseDomainName(target.domain, toAscii));
    case "key":
      return checkedKey(target.key);
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

async function urlKey(deps: PublishDeps, text: string, toAscii: ToAscii): Promise<string> {
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
  return pageSurrogateKey(pageHash({ site: owner.site, encodedKey }, sha256Hex));
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
  readonly reason: string;
  readonly since: string;
}

/** All purges that are owed in the environment. */
export async function* readOwed(deps: PublishDeps): AsyncGenerator<OwedRow> {
  for (const { keys, reason, since } of await readOwedPurges(owedDepsOf(deps))) {
    yield { site: undefined, siteEnv: undefined, keys, reason, since };
  }
  for await (const { site, siteEnv, owed } of readSites(deps)) {
    for (const { keys, reason, since } of owed satisfies readonly OwedPurge[]) {
      yield { site, siteEnv, keys, reason, since };
    }
  }
}

/** Finishes everything that interrupted runs left: configs of sites and all purges. */
export async function settleOwed(deps: PublishDeps): Promise<{ readonly purges: number }> {
  let purges = await settleStoredPurges(owedDepsOf(deps));
  for await (const record of readSites(deps)) {
    if (!isUnsettled(record) || record.deleting) continue;
    const ref = { site: record.site, siteEnv: record.siteEnv };
    const held = await readRecord(deps, ref);
    if (!held) continue;
    purges += held.record.owed.length;
    await settleSite(deps, ref, held);
  }
  return { purges };
}
