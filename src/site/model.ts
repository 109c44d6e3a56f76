import { z } from "zod";

import { EMPTY_RELEASE, LAST_RELEASE_NUMBER, isReleaseId, siteUidProblem } from "./names.ts";
import { unpackRules } from "./rule-slots.ts";
import type { SlotRule } from "./rule-slots.ts";

/** Longest HSTS max-age that is accepted, in seconds: two years. */
export const HSTS_LIMIT = 63_072_000;

/** What a domain that shows a site says to the edge. */
export interface ServedConfig {
  readonly kind: "site";
  readonly site: string;
  /** Release whose prefix the edge reads. */
  readonly release: string;
  readonly forceTls: boolean;
  /** HSTS max-age in seconds. */
  readonly hsts: number | undefined;
  readonly notFound: NotFoundPolicy;
  /** Another spelling of a page's path is not found instead of redirected. */
  readonly strictPaths: boolean;
  readonly noindex: boolean;
  readonly suspended: 410 | 503 | undefined;
  readonly rules: readonly SlotRule[];
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

/** `page` = the root 404.html with status 404, `redirect` = a redirect to it, `builtin` = the edge's own page. */
export const NOT_FOUND_POLICIES = ["page", "redirect", "builtin"] as const;
export type NotFoundPolicy = (typeof NOT_FOUND_POLICIES)[number];

const releaseId = z.string().refine(isReleaseId, "must be a release id");
const timestamp = z.iso.datetime();

const releaseSchema = z.strictObject({
  id: releaseId,
  createdAt: timestamp,
  files: z.int().min(0),
  redirects: z.int().min(0),
  bytes: z.int().min(0),
  /** Hex SHA-256 over everything the release holds: equal digests mean equal releases. */
  digest: z.string(),
  /** Whether the folder had a root 404.html. */
  notFoundPage: z.boolean(),
  /** Packed rule slots. */
  slots: z.string().refine((text) => unpackRules(text).kind === "ok", "must be packed rules"),
});

const owedSchema = z.strictObject({
  id: z.string().min(1),
  keys: z.array(z.string().min(1)).min(1),
  reason: z.string(),
  since: timestamp,
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
    ...domainState,
  }),
  z.strictObject({ kind: z.literal("alias"), canonicalHost: z.string(), ...domainState }),
]);

const policiesSchema = z.strictObject({
  notFound: z.enum(NOT_FOUND_POLICIES),
  strictPaths: z.boolean(),
  noindex: z.boolean(),
  suspended: z.union([z.literal(410), z.literal(503)]).nullable(),
});

/** The site record: all that is decided about a site. Domain configs are derived from it. */
export const siteRecordSchema = z.strictObject({
  format: z.literal(1),
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
  /** Redirect rules of the site itself, in `_redirects` form, tried before those of the folder. */
  rules: z.array(z.string()),
  domains: z.record(z.string(), domainSchema),
  owed: z.array(owedSchema),
  /** `site delete` has begun; nothing but finishing it is allowed. */
  deleting: z.boolean(),
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
}): SiteRecord {
  return {
    format: 1,
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
      strictPaths: false,
      noindex: input.siteEnv !== "production",
      suspended: null,
    },
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
export function deriveConfig(record: SiteRecord, entry: DomainEntry): DomainConfig {
  const { site, policies } = record;
  if (entry.kind === "alias") {
    return { kind: "alias", site, canonicalHost: entry.canonicalHost, forceTls: entry.forceTls };
  }
  const release = currentRelease(record);
  const slots = unpackRules(release?.slots ?? "");
  return {
    kind: "site",
    site,
    release: release?.id ?? EMPTY_RELEASE,
    forceTls: entry.forceTls,
    hsts: entry.hsts ?? undefined,
    notFound: release?.notFoundPage ? policies.notFound : "builtin",
    strictPaths: policies.strictPaths,
    noindex: policies.noindex,
    suspended: policies.suspended ?? undefined,
    rules: slots.kind === "ok" ? slots.rules : [],
  };
}
