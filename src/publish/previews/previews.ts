import { domainToASCII } from "node:url";

import { SitefleetError } from "../../lib/errors.ts";
import type { DomainEntry, SiteRecord } from "../../site/model.ts";
import { parseDomainName, parsePreviewName, previewHost } from "../../site/names.ts";
import { domainKey } from "../../site/surrogate-keys.ts";
import { commitChange } from "../commit.ts";
import type { CommitReport } from "../commit.ts";
import type { PublishDeps, SiteRef } from "../publish-deps.ts";
import { readSite } from "../record-store.ts";

/** A preview: a host of its own that shows one release of a site until it expires, whatever the site shows. */
export interface Preview {
  readonly name: string;
  readonly host: string;
  /** ISO 8601. */
  readonly expiresAt: string;
}

/** Longest life of a preview, in milliseconds. */
export const LONGEST_PREVIEW_MS = 365 * 86_400_000;

/**
 * The preview of a site by its name.
 * @param choice.lifetime milliseconds from now; the settings' `previews.days` unless given
 * @throws SitefleetError `preview/not-enabled`, `site/invalid-name`
 */
export function previewOf(
  deps: PublishDeps,
  ref: SiteRef,
  choice: { readonly name: string; readonly lifetime?: number | undefined },
): Preview {
  const { previews } = deps.environment;
  const name = parsePreviewName(choice.name);
  if (!previews) {
    throw new SitefleetError(
      "preview/not-enabled",
      `the environment "${deps.environment.name}" has no domain for previews`,
      {
        hint: 'set `previews: { domain: "preview.example.com" }` in its settings, a domain that a wildcard serves',
      },
    );
  }
  // Checked as any host: the name `xn` would make an A-label of it.
  const host = parseDomainName(previewHost({ name, site: ref.site, domain: previews.domain }), domainToASCII);
  const lifetime = choice.lifetime ?? previews.days * 86_400_000;
  return { name, host, expiresAt: new Date(deps.clock.now() + lifetime).toISOString() };
}

/** Whether a host can only be that of a preview: it is never given to a site as an ordinary domain. */
export function isPreviewHost(deps: PublishDeps, host: string): boolean {
  const { previews } = deps.environment;
  if (!previews || !host.endsWith(`.${previews.domain}`)) return false;
  const label = host.slice(0, -previews.domain.length - 1);
  return label.includes("--") && !label.startsWith("xn--");
}

/** The record with a preview that shows a release of its own; the same again when applied to its own result. */
export function withPreview(
  record: SiteRecord,
  shown: { readonly preview: Preview; readonly release: string; readonly etag: string | null },
): SiteRecord {
  const { name, host, expiresAt } = shown.preview;
  const former = Object.hasOwn(record.domains, host) ? record.domains[host] : undefined;
  const entry: DomainEntry = {
    kind: "preview",
    name,
    release: shown.release,
    expiresAt,
    forceTls: former?.forceTls ?? false,
    etag: former?.etag ?? shown.etag,
    digest: former?.digest ?? null,
  };
  return { ...record, domains: { ...record.domains, [host]: entry } };
}

export interface PreviewRow extends Preview {
  readonly release: string;
  /** When the release was made, ISO 8601. */
  readonly createdAt: string | null;
  readonly state: "live" | "expired" | "pending" | "removing";
}

/**
 * The previews of a site, by name.
 * @param now epoch milliseconds
 */
export function previewRows(record: SiteRecord, now: number): readonly PreviewRow[] {
  return Object.entries(record.domains)
    .flatMap(([host, entry]): PreviewRow[] => {
      if (entry.kind !== "preview") return [];
      const { name, release, expiresAt } = entry;
      const createdAt = record.releases.find(({ id }) => id === release)?.createdAt ?? null;
      return [{ name, host, expiresAt, release, createdAt, state: stateOf(entry, now) }];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function stateOf(entry: DomainEntry & { readonly kind: "preview" }, now: number): PreviewRow["state"] {
  if (entry.removing) return "removing";
  if (isExpired(entry, now)) return "expired";
  return entry.digest === null ? "pending" : "live";
}

/** Whether the edge answers "expired" for a domain. */
export function isExpired(entry: DomainEntry, now: number): boolean {
  return entry.kind === "preview" && Date.parse(entry.expiresAt) <= now;
}

/**
 * The preview of a name.
 * @throws SitefleetError `preview/not-found`
 */
export function findPreview(record: SiteRecord, name: string): PreviewRow {
  const rows = previewRows(record, 0).filter(({ state }) => state !== "removing");
  const found = rows.find((row) => row.name === name);
  if (found) return found;
  throw new SitefleetError("preview/not-found", `site "${record.site}" has no preview "${name}"`, {
    hint:
      rows.length === 0
        ? `make one: sitefleet publish DIR --site ${record.site} --preview ${name}`
        : `its previews: ${rows.map((row) => row.name).join(", ")}`,
  });
}

/** Takes a preview down: its host is unknown from then on. Its release stays until it is pruned. */
export async function removePreview(deps: PublishDeps, ref: SiteRef, name: string): Promise<CommitReport> {
  const known = await readSite(deps, ref);
  const { host } = findPreview(known.record, parsePreviewName(name));
  return commitChange(deps, ref, {
    reason: `remove the preview ${name}`,
    keys: [domainKey(host)],
    known,
    apply: (record) => withoutDomains(record, [host]),
  });
}

/** The record with domains that are about to go; those that it does not have are gone already. */
export function withoutDomains(record: SiteRecord, hosts: readonly string[]): SiteRecord {
  const domains = Object.entries(record.domains).map(([host, entry]): [string, DomainEntry] => [
    host,
    hosts.includes(host) ? { ...entry, removing: true } : entry,
  ]);
  return { ...record, domains: Object.fromEntries(domains) };
}
