import { SitefleetError } from "../lib/errors.ts";

/** Where in the buckets a site lives. Names are checked before they come here (`names.ts`). */
export interface SitePlace {
  readonly serverEnv: string;
  readonly siteEnv: string;
  readonly site: string;
}

/** S3's limit for a key, in bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects"). */
export const KEY_LIMIT = 1_024;

/**
 * Key of a domain's config object in the config bucket.
 * @throws SitefleetError `settings/invalid` when the secret segment could change the key's shape
 */
export function configKey(input: {
  readonly serverEnv: string;
  readonly siteEnv: string;
  readonly domain: string;
  readonly segment: string;
}): string {
  if (!/^[A-Za-z0-9_-]{1,128}$/.test(input.segment)) {
    throw new SitefleetError(
      "settings/invalid",
      "the secret segment of config keys has unusable characters",
      {
        hint: "use 16 or more characters of A-Z, a-z, 0-9, `-` and `_`",
      },
    );
  }
  return `${input.serverEnv}/${input.siteEnv}/${input.domain}/${input.segment}`;
}

/** Prefix of all site records of a website environment, in the config bucket. */
export function recordPrefix(place: Omit<SitePlace, "site">): string {
  return `${place.serverEnv}/${place.siteEnv}/_sites/`;
}

/** Key of a site's record: the commit point of every change to it. */
export function recordKey(place: SitePlace): string {
  return `${recordPrefix(place)}${place.site}.json`;
}

/** Prefix of what the publisher keeps about a site besides the record; no visitor's path reaches it. */
export function privatePrefix(place: SitePlace): string {
  return `${recordPrefix(place)}${place.site}/`;
}

/** Key of the list of what a release holds. */
export function manifestKey(place: SitePlace, release: string): string {
  return `${privatePrefix(place)}releases/${release}.jsonl`;
}

/** Prefix of all releases of a site, in the hosting bucket. */
export function sitePrefix(place: SitePlace): string {
  return `${place.serverEnv}/${place.siteEnv}/${place.site}/`;
}

/** Prefix of one release, in the hosting bucket. */
export function releasePrefix(place: SitePlace, release: string): string {
  return `${sitePrefix(place)}${release}/`;
}

/** Prefix of purges that no site owns, in the config bucket. */
export function owedPrefix(serverEnv: string): string {
  return `${serverEnv}/_owed/`;
}

/** Key of how far a migration of the whole environment has come, in the config bucket. */
export function migrationKey(serverEnv: string, codecVersion: number): string {
  return `${serverEnv}/_migrations/codec-${codecVersion}.json`;
}

/** Key of a rule bucket, in the config bucket: written once, never changed. */
export function ruleBucketKey(
  place: SitePlace,
  bucket: { readonly tag: string; readonly segment: string },
): string {
  return `${privatePrefix(place)}rules/${bucket.tag}/${bucket.segment}`;
}

/** Key of what is known about how a release went live. */
export function receiptKey(place: SitePlace, release: string): string {
  return `${privatePrefix(place)}receipts/${release}.json`;
}
