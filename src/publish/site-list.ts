import { messageOf } from "../lib/caught.ts";
import { SitefleetError } from "../lib/errors.ts";
import { mapAhead } from "../lib/map-ahead.ts";
import { recordPrefix } from "../site/layout.ts";
import { isEuOnly } from "../site/model.ts";
import type { DomainConfig, SiteRecord } from "../site/model.ts";
import { DEFAULT_SITE_ENV, checkDomainName, siteEnvOf, siteUidProblem } from "../site/names.ts";
import type { ToAscii } from "../site/names.ts";
import { readOwner } from "./config-sync.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { readRecord } from "./record-store.ts";

/** Every website environment of the settings. */
export function siteEnvsOf(deps: PublishDeps): readonly string[] {
  const named = deps.environment.hostSuffixes.map(({ siteEnv }) => siteEnv);
  return [...new Set([DEFAULT_SITE_ENV, ...named])].sort();
}

/** Records that are read at a time; more wait nowhere, so memory stays flat. */
const PARALLEL_RECORDS = 32;

/** All sites that have a record, by website environment and uid. */
export async function* siteRefs(
  deps: PublishDeps,
  siteEnvs: readonly string[] = siteEnvsOf(deps),
): AsyncGenerator<SiteRef> {
  for (const siteEnv of siteEnvs) {
    const prefix = recordPrefix({ serverEnv: deps.environment.name, siteEnv });
    for await (const entry of deps.store.config.list({ prefix, delimiter: "/", signal: deps.signal })) {
      const site = entry.key.slice(prefix.length).replace(/\.json$/, "");
      if (entry.kind !== "object" || !entry.key.endsWith(".json")) continue;
      if (siteUidProblem(site) === undefined) yield { site, siteEnv };
    }
  }
}

/** All site records, by website environment and uid; some are read ahead. */
export async function* readSites(
  deps: PublishDeps,
  siteEnvs: readonly string[] = siteEnvsOf(deps),
): AsyncGenerator<SiteRecord> {
  const records = mapAhead(siteRefs(deps, siteEnvs), PARALLEL_RECORDS, (ref) => readRecord(deps, ref));
  // A site may be deleted while the listing runs.
  for await (const held of records) if (held) yield held.record;
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
  readonly euOnly: boolean;
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
      euOnly: isEuOnly(record, entry),
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

/** What went wrong with one site of many, on one line: it keeps none of the others from being dealt with. */
export function failureText(error: unknown): string {
  const code = error instanceof SitefleetError ? error.code : "fault/internal";
  return `${messageOf(error)} [${code}]`;
}
