import { SitefleetError } from "../lib/errors.ts";
import type { DomainEntry, SiteRecord } from "../site/model.ts";
import { siteEnvOf } from "../site/names.ts";
import { domainKey } from "../site/surrogate-keys.ts";
import { commitChange } from "./commit.ts";
import type { CommitReport } from "./commit.ts";
import { readOwner } from "./config-sync.ts";
import { isPreviewHost } from "./previews/previews.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { readRecord, readSite, updateRecord } from "./record-store.ts";

/** Choices for a domain; what is absent stays as it is, or as new domains are. */
export interface DomainChoices {
  readonly forceTls?: boolean;
  /** HSTS max-age in seconds, `null` = none. */
  readonly hsts?: number | null;
  /** Only visitors in the EU. */
  readonly euOnly?: boolean;
  /** Redirect every request to this host, `null` = show the site. */
  readonly canonicalHost?: string | null;
}

/** A new domain that shows the site, with nothing chosen. */
export function primaryEntry(): DomainEntry & { readonly kind: "primary" } {
  return { kind: "primary", forceTls: false, hsts: null, euOnly: false, etag: null, digest: null };
}

/**
 * Checks that domains may be given to a site. Of several only the first is looked up, so that a command that cannot
 * succeed mostly ends before it uploads: a request for each would double what domains cost. The others are found out by the
 * condition of their config's own write, which takes no domain from anybody either (`refuseLost`).
 * @param options.all look up all: nothing will be written
 * @returns the ETag of the config object of each that has one already (a crashed run of the same site left it)
 * @throws SitefleetError `domain/wrong-environment`, `domain/taken`, `domain/preview-host`
 */
export async function claimDomains(
  deps: PublishDeps,
  ref: SiteRef,
  domains: readonly string[],
  { all = false }: { readonly all?: boolean | undefined } = {},
): Promise<ReadonlyMap<string, string>> {
  for (const domain of domains) {
    refusePreviewHost(deps, domain);
    refuseOtherEnvironment(deps, ref, domain);
  }
  return claimHosts(deps, ref, all ? domains : domains.slice(0, 1));
}

/** The same for hosts of any kind. */
export async function claimHosts(
  deps: PublishDeps,
  ref: SiteRef,
  domains: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const claims = new Map<string, string>();
  for (const domain of domains) {
    refuseOtherEnvironment(deps, ref, domain);
    const owner = await readOwner(deps, domain);
    if (owner.kind === "none") continue;
    if (owner.kind === "unreadable") throw domainTaken(ref, domain, undefined);
    if (owner.site !== ref.site) throw domainTaken(ref, domain, owner.site);
    claims.set(domain, owner.etag);
  }
  return claims;
}

/** A host that names a site as its preview must never be in the hands of another one. */
function refusePreviewHost(deps: PublishDeps, domain: string): void {
  if (!isPreviewHost(deps, domain)) return;
  throw new SitefleetError("domain/preview-host", `"${domain}" is the host of a preview`, {
    hint: "previews come and go with `sitefleet publish --preview NAME` and `sitefleet site unpreview SITE NAME`",
  });
}

function refuseOtherEnvironment(deps: PublishDeps, ref: SiteRef, domain: string): void {
  const siteEnv = siteEnvOf(domain, deps.environment.hostSuffixes);
  if (siteEnv === ref.siteEnv) return;
  throw new SitefleetError(
    "domain/wrong-environment",
    `"${domain}" belongs to the website environment "${siteEnv}", not "${ref.siteEnv}"`,
    { hint: "which environment a host belongs to follows from its suffix (hostSuffixes in the settings)" },
  );
}

function domainTaken(ref: SiteRef, domain: string, owner: string | undefined): SitefleetError {
  const whose = owner === undefined ? "has a config that cannot be read" : `belongs to site "${owner}"`;
  return new SitefleetError("domain/taken", `"${domain}" ${whose}`, {
    hint: `to take it over: sitefleet domain add ${domain} --site ${ref.site} --take-over`,
  });
}

/** Adds domains that the record does not have (or is about to lose). */
export function withNewDomains(
  record: SiteRecord,
  domains: readonly string[],
  entryOf: (domain: string) => DomainEntry,
): SiteRecord {
  const missing = domains.filter((domain) => {
    const entry = Object.hasOwn(record.domains, domain) ? record.domains[domain] : undefined;
    return entry === undefined || entry.removing;
  });
  if (missing.length === 0) return record;
  const added = missing.map((domain) => [domain, entryOf(domain)] as const);
  return { ...record, domains: { ...record.domains, ...Object.fromEntries(added) } };
}

/** Most hosts that a message names. */
const NAMED_HOSTS = 10;

/**
 * Tells of new domains that the site did not get, and of what is live all the same: whoever asked for them did not get
 * what was asked for, so the command fails; what it has done stays.
 * @throws SitefleetError `domain/taken` when some of the domains are another site's
 */
export function refuseLost(ref: SiteRef, report: CommitReport, domains: readonly string[]): void {
  const lost = report.lost.filter(({ domain }) => domains.includes(domain));
  const [first, ...others] = lost;
  if (!first) return;
  const { code, message, hint } = domainTaken(ref, first.domain, first.owner);
  throw new SitefleetError(code, `${message}; ${liveText(ref, report)}`, {
    hint: `${hint}; to leave it there, leave it out of the command: nothing else has to be done again`,
    details: others.map(({ domain, owner }) => domainTaken(ref, domain, owner).message),
  });
}

/** Where a site is shown after some of its domains turned out to be another's. */
function liveText(ref: SiteRef, { record, lost }: CommitReport): string {
  const isLost = (host: string): boolean => lost.some(({ domain }) => domain === host);
  const hosts = Object.entries(record.domains).flatMap(([host, { kind, removing }]) =>
    kind === "primary" && !removing && !isLost(host) ? [host] : [],
  );
  const site = `site "${ref.site}"`;
  if (record.current === null || hosts.length === 0) return `${site} is live on no domain`;
  const more = hosts.length > NAMED_HOSTS ? ` and ${hosts.length - NAMED_HOSTS} more` : "";
  return `release ${record.current} of ${site} is live on ${hosts.slice(0, NAMED_HOSTS).join(", ")}${more}`;
}

export interface AddDomain {
  /** Already checked. */
  readonly domain: string;
  readonly choices: DomainChoices;
  /** Take it from the site that has it. */
  readonly takeOver: boolean;
}

/**
 * Gives a domain to a site. For a domain that the site has already it is `setDomain`.
 * @throws SitefleetError `domain/taken` unless `takeOver`
 */
export async function addDomain(deps: PublishDeps, ref: SiteRef, add: AddDomain): Promise<CommitReport> {
  const { domain, choices, takeOver } = add;
  await readSite(deps, ref);
  refusePreviewHost(deps, domain);
  refuseOtherEnvironment(deps, ref, domain);
  const owner = await readOwner(deps, domain);
  const former = owner.kind === "site" && owner.site !== ref.site ? owner.site : undefined;
  if ((former !== undefined || owner.kind === "unreadable") && !takeOver)
    throw domainTaken(ref, domain, former);
  const etag = owner.kind === "none" ? null : owner.etag;
  const foreign = former !== undefined || owner.kind === "unreadable";
  const fresh = { ...primaryEntry(), etag, ...(foreign ? { takeOver: true as const } : {}) };
  const report = await commitChange(deps, ref, {
    reason: `add ${domain}`,
    keys: [domainKey(domain)],
    apply: (record) =>
      withChoices(
        withNewDomains(record, [domain], () => fresh),
        domain,
        choices,
      ),
  });
  refuseLost(ref, report, [domain]);
  if (former !== undefined) await forgetDomain(deps, { site: former, siteEnv: ref.siteEnv }, domain);
  return report;
}

/** Takes a domain that another site has by now off a site's record. Without this the site's next run finds out. */
async function forgetDomain(deps: PublishDeps, ref: SiteRef, domain: string): Promise<void> {
  if (!(await readRecord(deps, ref))) return;
  await updateRecord(deps, ref, (record) => ({
    ...record,
    domains: Object.fromEntries(Object.entries(record.domains).filter(([name]) => name !== domain)),
  }));
}

/** Changes the choices of a domain that a site has. */
export async function setDomain(
  deps: PublishDeps,
  ref: SiteRef,
  set: { readonly domain: string; readonly choices: DomainChoices },
): Promise<CommitReport> {
  refusePreviewHost(deps, set.domain);
  return commitChange(deps, ref, {
    reason: `set ${set.domain}`,
    keys: [domainKey(set.domain)],
    apply: (record) => withChoices(record, set.domain, set.choices),
  });
}

/** Takes a domain off a site: its config object is deleted, the host is unknown from then on. */
export async function removeDomain(deps: PublishDeps, ref: SiteRef, domain: string): Promise<CommitReport> {
  return commitChange(deps, ref, {
    reason: `remove ${domain}`,
    keys: [domainKey(domain)],
    apply(record) {
      const entry = entryOf(record, domain);
      const domains = { ...record.domains, [domain]: { ...entry, removing: true as const } };
      return refuseStrayAliases({ ...record, domains });
    },
  });
}

/** @throws SitefleetError `domain/not-found` */
export function entryOf(record: SiteRecord, domain: string): DomainEntry {
  const entry = Object.hasOwn(record.domains, domain) ? record.domains[domain] : undefined;
  if (entry) return entry;
  const known = Object.keys(record.domains).filter((name) => record.domains[name]?.kind !== "preview");
  throw new SitefleetError("domain/not-found", `site "${record.site}" has no domain "${domain}"`, {
    hint: `its domains: ${known.join(", ") || "none"}`,
  });
}

function withChoices(record: SiteRecord, domain: string, choices: DomainChoices): SiteRecord {
  const entry = chosenEntry(entryOf(record, domain), choices);
  return refuseStrayAliases({ ...record, domains: { ...record.domains, [domain]: entry } });
}

function chosenEntry(entry: DomainEntry, choices: DomainChoices): DomainEntry {
  const forceTls = choices.forceTls ?? entry.forceTls;
  const { etag, digest, takeOver } = entry;
  const state = { forceTls, etag, digest, ...(takeOver ? { takeOver } : {}) };
  const canonicalHost =
    choices.canonicalHost === undefined
      ? entry.kind === "alias"
        ? entry.canonicalHost
        : null
      : choices.canonicalHost;
  if (canonicalHost === null) {
    const hsts = choices.hsts === undefined && entry.kind === "primary" ? entry.hsts : (choices.hsts ?? null);
    const euOnly = choices.euOnly ?? (entry.kind === "primary" && entry.euOnly);
    return { kind: "primary", hsts, euOnly, ...state };
  }
  if (typeof choices.hsts === "number") {
    throw new SitefleetError("site/invalid-setting", "an alias only redirects, so it cannot have HSTS", {
      hint: "set HSTS on the canonical host",
    });
  }
  if (choices.euOnly === true) {
    throw new SitefleetError("site/invalid-setting", "an alias only redirects, so it cannot be EU-only", {
      hint: "set it on the canonical host",
    });
  }
  return { kind: "alias", canonicalHost, ...state };
}

/** Every alias must lead to a host of the same site that shows the site: no chains, no loops, no dead ends. */
function refuseStrayAliases(record: SiteRecord): SiteRecord {
  for (const [domain, entry] of Object.entries(record.domains)) {
    if (entry.kind !== "alias" || entry.removing) continue;
    const target = Object.hasOwn(record.domains, entry.canonicalHost)
      ? record.domains[entry.canonicalHost]
      : undefined;
    if (target?.kind === "primary" && !target.removing) continue;
    throw new SitefleetError(
      "domain/wrong-target",
      `"${domain}" redirects to "${entry.canonicalHost}", which is no primary domain of site "${record.site}"`,
      { hint: `add ${entry.canonicalHost} to the site first, or change ${domain} before it goes` },
    );
  }
  return record;
}
