import { recordPrefix } from "../site/layout.ts";
import type { DomainConfig, SiteRecord } from "../site/model.ts";
import { DEFAULT_SITE_ENV, checkDomainName, siteEnvOf } from "../site/names.ts";
import type { ToAscii } from "../site/names.ts";
import { readOwner } from "./config-sync.ts";
import type { PublishDeps } from "./publish-deps.ts";
import { parseRecord, readRecord } from "./record-store.ts";

/** Every website environment of the settings. */
export function siteEnvsOf(deps: PublishDeps): readonly string[] {
  const named = deps.environment.hostSuffixes.map(({ siteEnv }) => siteEnv);
  return [...new Set([DEFAULT_SITE_ENV, ...named])].sort();
}

/** All site records, one at a time, by website environment and uid. */
export async function* readSites(
  deps: PublishDeps,
  siteEnvs: readonly string[] = siteEnvsOf(deps),
): AsyncGenerator<SiteRecord> {
  const { signal } = deps;
  for (const siteEnv of siteEnvs) {
    const prefix = recordPrefix({ serverEnv: deps.environment.name, siteEnv });
    for await (const entry of deps.store.config.list({ prefix, delimiter: "/", signal })) {
      if (entry.kind !== "object" || !entry.key.endsWith(".json")) continue;
      const found = await deps.store.config.get({ key: entry.key, signal });
      // A site may be deleted while the listing runs.
      if (found.kind === "ok") yield parseRecord(entry.key, found.body);
    }
  }
}

export interface DomainRow {
  readonly domain: string;
  readonly site: string;
  readonly siteEnv: string;
  readonly kind: "primary" | "alias" | "preview";
  readonly canonicalHost: string | null;
  readonly forceTls: boolean;
  /** Seconds. */
  readonly hsts: number | null;
  /** `pending`: a run was interrupted before the domain's config said what the record says. */
  readonly state: "live" | "pending" | "removing";
}

/** The domains of a site as rows, by name. */
export function domainRows(record: SiteRecord): readonly DomainRow[] {
  return Object.entries(record.domains)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([domain, entry]) => ({
      domain,
      site: record.site,
      siteEnv: record.siteEnv,
      kind: entry.kind,
      canonicalHost: entry.kind === "alias" ? entry.canonicalHost : null,
      forceTls: entry.forceTls,
      hsts: entry.kind === "primary" ? entry.hsts : null,
      state: entry.removing ? "removing" : entry.digest === null || entry.takeOver ? "pending" : "live",
    }));
}

/** What is known about a domain. */
export type DomainCheck =
  | { readonly kind: "invalid"; readonly reason: string; readonly suggestion: string | undefined }
  | { readonly kind: "free"; readonly domain: string; readonly siteEnv: string }
  | {
      readonly kind: "unreadable";
      readonly domain: string;
      readonly siteEnv: string;
      readonly reason: string;
    }
  | {
      readonly kind: "owned";
      readonly domain: string;
      readonly siteEnv: string;
      readonly site: string;
      readonly config: DomainConfig;
      /** Whether the owner's record knows of it. */
      readonly inRecord: boolean;
    };

/** Looks at a domain: whether its name can be served, and who owns it. */
export async function checkDomain(deps: PublishDeps, text: string, toAscii: ToAscii): Promise<DomainCheck> {
  const check = checkDomainName(text, toAscii);
  if (check.kind === "refused")
    return { kind: "invalid", reason: check.reason, suggestion: check.suggestion };
  const domain = check.name;
  const siteEnv = siteEnvOf(domain, deps.environment.hostSuffixes);
  const owner = await readOwner(deps, domain);
  if (owner.kind === "none") return { kind: "free", domain, siteEnv };
  if (owner.kind === "unreadable") return { kind: "unreadable", domain, siteEnv, reason: owner.reason };
  const held = await readRecord(deps, { site: owner.site, siteEnv });
  const inRecord = held !== undefined && Object.hasOwn(held.record.domains, domain);
  return { kind: "owned", domain, siteEnv, site: owner.site, config: owner.config, inRecord };
}
