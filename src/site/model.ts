import { z } from "zod";

import { unpackDelta } from "./delta-list.ts";
import { shortHash } from "./short-hashes.ts";
import { EMPTY_RELEASE, LAST_RELEASE_NUMBER, isReleaseId, siteUidProblem } from "./names.ts";
import type { Sha256Hex } from "./page-key.ts";
import { areasProblem, inAreaOrder } from "./protected-areas.ts";
import type { ProtectedArea } from "./protected-areas.ts";
import { unpackRules } from "./rule-slots.ts";
import type { SlotRule } from "./rule-slots.ts";

/** Longest HSTS max-age that is accepted, in seconds: two years. */
export const HSTS_LIMIT = 63_072_000;

/** What a domain that shows a site says to the edge. */
export interface ServedConfig {
  readonly kind: "site";
  readonly site: string;
  /** Release whose prefix the edge reads for every page that the delta list does not name. */
  readonly base: string;
  /** Release that is shown. */
  readonly release: string;
  /** What differs from the base release, as `packDelta` writes it. */
  readonly delta: string;
  readonly forceTls: boolean;
  /** HSTS max-age in seconds. */
  readonly hsts: number | undefined;
  readonly notFound: NotFoundPolicy;
  /** `shortHash`es of directories below the root that have a 404.html. */
  readonly notFoundDirectories: readonly string[];
  /**
   * What another spelling of a page's path gets: a redirect to it, or "not found"; `literal` also takes the page's path
   * with `index.html` after it.
   */
  readonly paths: "redirect" | "strict" | "literal";
  readonly noindex: boolean;
  readonly suspended: 410 | 503 | undefined;
  readonly euOnly: boolean;
  readonly protectedAreas: readonly ProtectedArea[];
  /** Epoch seconds after which the host has expired. */
  readonly expiresAt: number | undefined;
  readonly rules: readonly SlotRule[];
  readonly buckets: RuleBuckets | undefined;
}

/** Where rules are that have no room in the config: one object per hash of a first path segment. */
export interface RuleBuckets {
  /** Release that wrote the buckets. */
  readonly tag: string;
  /** `segmentHash`es. */
  readonly segments: readonly string[];
}

/** What an alias says to the edge: every request goes to another host. */
export interface AliasConfig {
  readonly kind: "alias";
  readonly site: string;
  readonly canonicalHost: string;
  readonly forceTls: boolean;
}

/** The decoded form of a domain's config object. */
export type DomainConfig = ServedConfig | AliasConfig;

/**
 * `page` = the nearest 404.html with status 404, `redirect` = a redirect to the root's, `spa` = index.html with status 200
 * for navigations, `builtin` = the edge's own page.
 */
export const NOT_FOUND_POLICIES = ["page", "redirect", "spa", "builtin"] as const;
export type NotFoundPolicy = (typeof NOT_FOUND_POLICIES)[number];

/**
 * Which path is a page's own. `auto`: `/x` for x.html, `/x/` for x/index.html; `force`: `/x/` for both; `drop`: `/x` for
 * both; `none`: as the file is called, `/x.html` and `/x/`.
 */
export const TRAILING_SLASH_POLICIES = ["auto", "force", "drop", "none"] as const;
export type TrailingSlashPolicy = (typeof TRAILING_SLASH_POLICIES)[number];

/** Which wins for one path: the file, or the redirect rule. A rule with `!` always wins. */
export const PRECEDENCES = ["file-first", "rule-first"] as const;
export type Precedence = (typeof PRECEDENCES)[number];

const releaseId = z.string().refine(isReleaseId, "must be a release id");
const timestamp = z.iso.datetime();

const bucketsSchema = z.strictObject({
  tag: releaseId,
  segments: z.array(z.string().regex(/^[0-9a-f]{4}$/)).min(1),
});

const releaseSchema = z.strictObject({
  id: releaseId,
  createdAt: timestamp,
  files: z.int().min(0),
  /** Redirects that are objects of their own. */
  redirects: z.int().min(0),
  /** Rules in slots and buckets; absent = written before they were counted. */
  patterns: z.int().min(0).optional(),
  bytes: z.int().min(0),
  /** Hex SHA-256 over everything the release holds: equal digests mean equal releases. */
  digest: z.string(),
  /** Release under whose prefix what the delta does not name lies; the release itself when it is a full one. */
  base: releaseId,
  /** What differs from the base release, as `packDelta` writes it. */
  delta: z.string().refine((text) => unpackDelta(text) !== undefined, "must be a delta list"),
  /** Encoded directories without slashes at their ends that have a 404.html; `""` is the root. */
  notFoundPages: z.array(z.string()),
  /** Policy by which the pages' own paths were chosen. */
  trailingSlash: z.enum(TRAILING_SLASH_POLICIES),
  /** Packed rule slots. */
  slots: z.string().refine((text) => unpackRules(text).kind === "ok", "must be packed rules"),
  buckets: bucketsSchema.nullable(),
  /** Objects of the release are being overwritten; its manifest may not say what they are. */
  dirty: z.literal(true).optional(),
  /** Since when no host shows the release; absent = it is shown, or never was. */
  hiddenSince: timestamp.optional(),
});

const owedSchema = z.strictObject({
  id: z.string().min(1),
  keys: z.array(z.string().min(1)).min(1),
  reason: z.string(),
  since: timestamp,
  /** How often it has been sent; done after twice. */
  sent: z.int().min(0),
  /** When the first pass began that `sent` counts, by the store's clock; absent = not known. */
  sentAt: timestamp.optional(),
});

const domainState = {
  forceTls: z.boolean(),
  /** ETag that the config object was last seen with; a hint for `If-Match`, `null` = not written yet. */
  etag: z.string().nullable(),
  /** Hex SHA-256 of the config that was last written, without its `rev`. */
  digest: z.string().nullable(),
  /** The domain may be taken from another site when it is written next. */
  takeOver: z.literal(true).optional(),
  /** The config object is to be deleted, then this entry. */
  removing: z.literal(true).optional(),
};

const domainSchema = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("primary"),
    hsts: z.int().min(0).max(HSTS_LIMIT).nullable(),
    /** Only visitors in the EU. */
    euOnly: z.boolean(),
    ...domainState,
  }),
  /** Shows one release, whatever the site shows, until it expires. */
  z.strictObject({
    kind: z.literal("preview"),
    name: z.string(),
    release: releaseId,
    expiresAt: timestamp,
    ...domainState,
  }),
  z.strictObject({ kind: z.literal("alias"), canonicalHost: z.string(), ...domainState }),
]);

const areaSchema = z.strictObject({ prefix: z.string(), salt: z.string(), verifier: z.string() });

const policiesSchema = z.strictObject({
  notFound: z.enum(NOT_FOUND_POLICIES),
  trailingSlash: z.enum(TRAILING_SLASH_POLICIES),
  precedence: z.enum(PRECEDENCES),
  strictPaths: z.boolean(),
  noindex: z.boolean(),
  suspended: z.union([z.literal(410), z.literal(503)]).nullable(),
});

/** The site record: all that is decided about a site. Domain configs are derived from it. */
export const siteRecordSchema = z.strictObject({
  format: z.literal(2),
  site: z.string().refine((text) => siteUidProblem(text) === undefined, "must be a site uid"),
  siteEnv: z.string(),
  /** Goes up with every write. */
  revision: z.int().min(1),
  /** Names the write, so that a writer whose answer got lost knows its own. */
  stamp: z.string().min(1),
  /** Number of the last release id that was handed out. */
  counter: z.int().min(0).max(LAST_RELEASE_NUMBER),
  current: releaseId.nullable(),
  previous: releaseId.nullable(),
  /** Newest last. */
  releases: z.array(releaseSchema),
  policies: policiesSchema,
  protectedAreas: z
    .array(areaSchema)
    .refine((areas) => areasProblem(areas) === undefined, "must be protected areas that fit in a config"),
  /** Redirect rules of the site itself, in `_redirects` form, tried before those of the folder. */
  rules: z.array(z.string()),
  domains: z.record(z.string(), domainSchema),
  owed: z.array(owedSchema),
  /** `site delete` has begun; nothing but finishing it, or taking it back, is allowed. */
  deleting: z.boolean(),
  /** What a deletion that has begun needs to be taken back; absent = its objects are being deleted. */
  deletion: z.strictObject({ since: timestamp, domains: z.record(z.string(), domainSchema) }).optional(),
});

export type SiteRecord = z.output<typeof siteRecordSchema>;
export type ReleaseEntry = SiteRecord["releases"][number];
export type DomainEntry = SiteRecord["domains"][string];
export type OwedPurge = SiteRecord["owed"][number];
export type SitePolicies = SiteRecord["policies"];

/** A record as it is before its first write. Only `production` is for search engines unless asked otherwise. */
export function newSiteRecord(input: {
  readonly site: string;
  readonly siteEnv: string;
  readonly counter: number;
  readonly precedence?: Precedence;
}): SiteRecord {
  return {
    format: 2,
    site: input.site,
    siteEnv: input.siteEnv,
    revision: 1,
    stamp: "new",
    counter: input.counter,
    current: null,
    previous: null,
    releases: [],
    policies: {
      notFound: "page",
      trailingSlash: "auto",
      precedence: input.precedence ?? "file-first",
      strictPaths: false,
      noindex: input.siteEnv !== "production",
      suspended: null,
    },
    protectedAreas: [],
    rules: [],
    domains: {},
    owed: [],
    deleting: false,
  };
}

/** The release that a site shows, or `undefined` before the first publish. */
export function currentRelease(record: SiteRecord): ReleaseEntry | undefined {
  return record.releases.find(({ id }) => id === record.current);
}

/** What a domain's config object has to say, by the record. */
export function deriveConfig(record: SiteRecord, entry: DomainEntry, sha256Hex: Sha256Hex): DomainConfig {
  const { site, policies } = record;
  if (entry.kind === "alias") {
    return { kind: "alias", site, canonicalHost: entry.canonicalHost, forceTls: entry.forceTls };
  }
  const isPreview = entry.kind === "preview";
  const release = isPreview ? record.releases.find(({ id }) => id === entry.release) : currentRelease(record);
  const slots = unpackRules(release?.slots ?? "");
  return {
    kind: "site",
    site,
    base: release?.base ?? EMPTY_RELEASE,
    release: release?.id ?? EMPTY_RELEASE,
    delta: release?.delta ?? "",
    forceTls: entry.forceTls,
    hsts: isPreview ? undefined : (entry.hsts ?? undefined),
    ...notFoundFields(policies.notFound, release?.notFoundPages ?? [], sha256Hex),
    paths: release?.trailingSlash === "none" ? "literal" : policies.strictPaths ? "strict" : "redirect",
    noindex: isPreview || policies.noindex,
    suspended: policies.suspended ?? undefined,
    euOnly: isEuOnly(record, entry),
    protectedAreas: inAreaOrder(record.protectedAreas),
    expiresAt: isPreview ? Math.floor(Date.parse(entry.expiresAt) / 1_000) : undefined,
    rules: slots.kind === "ok" ? slots.rules : [],
    buckets: release?.buckets ?? undefined,
  };
}

/**
 * Whether a host shows the site to visitors in the EU only. A preview does when any of the site's own domains does: what is
 * not published yet must not be seen where the site may not be.
 */
export function isEuOnly(record: Pick<SiteRecord, "domains">, entry: DomainEntry): boolean {
  if (entry.kind !== "preview") return entry.kind === "primary" && entry.euOnly;
  return Object.values(record.domains).some(
    (other) => other.kind === "primary" && !other.removing && other.euOnly,
  );
}

/** Without a page to show a policy falls back to the edge's own page. */
function notFoundFields(
  policy: NotFoundPolicy,
  pages: readonly string[],
  sha256Hex: Sha256Hex,
): Pick<ServedConfig, "notFound" | "notFoundDirectories"> {
  const needsRoot = policy === "page" || policy === "redirect";
  const below = policy === "page" || policy === "spa" ? pages.filter((directory) => directory !== "") : [];
  return {
    notFound: needsRoot && !pages.includes("") ? "builtin" : policy,
    notFoundDirectories: below.map((directory) => shortHash(directory, sha256Hex)).sort(),
  };
}
