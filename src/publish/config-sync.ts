import { assertNever, SitefleetError } from "../lib/errors.ts";
import { forEachLimit } from "../lib/for-each-limit.ts";
import { decodeConfig, encodeConfig } from "../site/codec.ts";
import { configBody, configFingerprint } from "../site/config-body.ts";
import { CODEC_VERSION, CONFIG_METADATA } from "../site/metadata.ts";
import { deriveConfig } from "../site/model.ts";
import type { DomainConfig, DomainEntry, SiteRecord } from "../site/model.ts";
import { ruleText } from "../site/rule-slots.ts";
import type { WriteCondition } from "../store/object-store.ts";
import { configKeyOf, sha256Hex } from "./publish-deps.ts";
import type { PublishDeps, SiteRef } from "./publish-deps.ts";
import { changedMeanwhile, readRecord } from "./record-store.ts";

/** What became of a domain's config object. */
export type SyncOutcome =
  | { readonly kind: "written"; readonly etag: string; readonly digest: string }
  | { readonly kind: "unchanged" }
  | { readonly kind: "removed" }
  /** The domain belongs to another site; `undefined` = to one that this version cannot read. */
  | { readonly kind: "lost"; readonly owner: string | undefined };

export interface SyncReport {
  /** The record that the configs say now. */
  readonly record: SiteRecord;
  readonly outcomes: ReadonlyMap<string, SyncOutcome>;
}

/** How many configs of a site are read or written at a time. */
export const PARALLEL_CONFIGS = 16;
const ATTEMPTS = 8;

/** What is in a domain's config object. */
export type ConfigOwner =
  | { readonly kind: "none" }
  | {
      readonly kind: "site";
      readonly site: string;
      readonly etag: string;
      readonly config: DomainConfig;
      /** It was written by an earlier codec version. */
      readonly isOld: boolean;
    }
  | { readonly kind: "unreadable"; readonly etag: string; readonly reason: string };

/** Looks up who owns a domain. */
export async function readOwner(deps: PublishDeps, domain: string): Promise<ConfigOwner> {
  const found = await deps.store.config.head({ key: configKeyOf(deps, domain), signal: deps.signal });
  if (found.kind === "not-found") return { kind: "none" };
  const { etag, metadata } = found.object;
  const decoded = decodeConfig(metadata);
  if (decoded.kind === "refused") return { kind: "unreadable", etag, reason: decoded.reason };
  const isOld = metadata[CONFIG_METADATA.version] !== String(CODEC_VERSION);
  return { kind: "site", site: decoded.config.site, etag, config: decoded.config, isOld };
}

/**
 * Makes every config object of a site say what the record says. Safe against others who do the same: a config is
 * written only over the ETag it was seen with, and after a conflict the record is read again *after* the ETag, so that
 * the last writer has always seen the newest record.
 */
export async function syncConfigs(deps: PublishDeps, ref: SiteRef, record: SiteRecord): Promise<SyncReport> {
  const view = new RecordView(deps, ref, record);
  const outcomes = new Map<string, SyncOutcome>();
  let pending = Object.keys(record.domains);
  while (pending.length > 0) {
    const { revision } = view.record;
    await forEachLimit(pending, { limit: PARALLEL_CONFIGS, signal: deps.signal }, async (domain) => {
      const outcome = await syncDomain(deps, view, domain);
      if (outcome) outcomes.set(domain, outcome);
    });
    // A newer record may say something else about domains that were done already.
    pending = view.record.revision === revision ? [] : Object.keys(view.record.domains);
    for (const domain of pending) outcomes.delete(domain);
  }
  return { record: view.record, outcomes };
}

/** The newest record seen. */
class RecordView {
  readonly #deps: PublishDeps;
  readonly #ref: SiteRef;
  #record: SiteRecord;

  constructor(deps: PublishDeps, ref: SiteRef, record: SiteRecord) {
    this.#deps = deps;
    this.#ref = ref;
    this.#record = record;
  }

  get record(): SiteRecord {
    return this.#record;
  }

  async reload(): Promise<void> {
    const held = await readRecord(this.#deps, this.#ref);
    if (!held) throw changedMeanwhile(this.#ref, "it was deleted");
    if (held.record.revision > this.#record.revision) this.#record = held.record;
  }
}

async function syncDomain(
  deps: PublishDeps,
  view: RecordView,
  domain: string,
): Promise<SyncOutcome | undefined> {
  let seen: ConfigOwner | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const entry = Object.hasOwn(view.record.domains, domain) ? view.record.domains[domain] : undefined;
    if (!entry) return undefined;
    if (entry.removing && !seen) {
      seen = await readOwner(deps, domain);
      // Not as the record knows it: somebody may have put the domain back since that was read.
      if (seen.kind !== "none" && seen.etag !== entry.etag) await view.reload();
      continue;
    }
    const outcome = entry.removing
      ? await removeConfig(deps, { domain, site: view.record.site, seen: seen ?? { kind: "none" } })
      : await writeConfig(deps, { domain, record: view.record, entry, seen });
    if (outcome) return outcome;
    seen = await readOwner(deps, domain);
    await view.reload();
  }
  throw changedMeanwhile(
    { site: view.record.site, siteEnv: view.record.siteEnv },
    `the config of "${domain}" is being written by others all the time`,
  );
}

async function removeConfig(
  deps: PublishDeps,
  input: { readonly domain: string; readonly site: string; readonly seen: ConfigOwner },
): Promise<SyncOutcome | undefined> {
  const { seen } = input;
  if (seen.kind === "none" || (seen.kind === "site" && seen.site !== input.site)) return { kind: "removed" };
  const key = configKeyOf(deps, input.domain);
  const outcome = await deps.store.config.delete({ key, etag: seen.etag, signal: deps.signal });
  return outcome.kind === "ok" ? { kind: "removed" } : undefined;
}

async function writeConfig(
  deps: PublishDeps,
  input: {
    readonly domain: string;
    readonly record: SiteRecord;
    readonly entry: DomainEntry;
    /** What a look at the object showed; without one the record's ETag is trusted. */
    readonly seen: ConfigOwner | undefined;
  },
): Promise<SyncOutcome | undefined> {
  const { domain, record, entry, seen } = input;
  const config = deriveConfig(record, entry, sha256Hex);
  const digest = sha256Hex(configFingerprint(config));
  if (!seen && entry.etag !== null && entry.digest === digest && !entry.takeOver)
    return { kind: "unchanged" };
  // What this site never wrote may be a newer version's: not a damaged config of its own to be put right.
  if (seen?.kind === "unreadable" && entry.etag === null && !entry.takeOver)
    return { kind: "lost", owner: undefined };
  if (seen?.kind === "site") {
    if (seen.site !== record.site && !entry.takeOver) return { kind: "lost", owner: seen.site };
    if (!seen.isOld && configFingerprint(seen.config) === configFingerprint(config)) {
      return { kind: "written", etag: seen.etag, digest };
    }
  }
  const outcome = await deps.store.config.put({
    key: configKeyOf(deps, domain),
    // The time besides the revision: a site that is deleted and made anew starts at revision 1 again.
    body: configBody(config, `${record.revision}.${deps.clock.now().toString(36)}`),
    headers: { contentType: "application/json" },
    metadata: fittingMetadata(domain, config),
    condition: conditionFor(entry, seen),
    signal: deps.signal,
  });
  return outcome.kind === "ok" ? { kind: "written", etag: outcome.etag, digest } : undefined;
}

function conditionFor(entry: DomainEntry, seen: ConfigOwner | undefined): WriteCondition {
  if (!seen) return entry.etag === null ? { kind: "absent" } : { kind: "etag", etag: entry.etag };
  return seen.kind === "none" ? { kind: "absent" } : { kind: "etag", etag: seen.etag };
}

/**
 * The metadata of a config.
 * @param ruleNames how its rules are called in an error, in their order; their text unless given
 * @throws SitefleetError `site/config-too-large` naming the domain, the rule and the bytes
 */
export function fittingMetadata(
  domain: string,
  config: DomainConfig,
  ruleNames: readonly string[] = [],
): Readonly<Record<string, string>> {
  const encoded = encodeConfig(config);
  const ruleAt = (index: number | undefined): string => {
    const rule = config.kind === "site" && index !== undefined ? config.rules[index] : undefined;
    if (!rule || index === undefined) return "";
    return ` with the rule ${ruleNames[index] ?? `"${ruleText(rule)}"`}`;
  };
  switch (encoded.kind) {
    case "ok":
      return encoded.metadata;
    case "too-large":
      throw new SitefleetError(
        "site/config-too-large",
        `the config of "${domain}" takes ${encoded.bytes} bytes, the limit is ${encoded.budget}; it is over${ruleAt(encoded.rule)}`,
        { hint: roomHint(config) },
      );
    case "too-many-rules":
      throw new SitefleetError(
        "site/config-too-large",
        `the config of "${domain}" has more than ${encoded.limit} rules; the first over it is${ruleAt(encoded.rule)}`,
      );
    case "bad-rule":
      throw new SitefleetError(
        "redirects/invalid",
        `the config of "${domain}"${ruleAt(encoded.rule)}: ${encoded.reason}`,
      );
    default:
      return assertNever(encoded);
  }
}

/** What to do for room in a config. */
function roomHint(config: DomainConfig): string {
  const delta = config.kind === "site" ? config.delta.length : 0;
  if (delta > 0) {
    return `${delta} bytes of it list pages that changed since the last full release: publish the folder with --full first`;
  }
  return "remove or shorten pattern redirects; exact ones take no room in the config";
}
