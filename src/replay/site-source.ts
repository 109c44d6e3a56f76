import type { ReleaseEntry, SiteRecord } from "../site/model.ts";
import type { HeadOutcome, ObjectHeaders, ObjectMetadata } from "../store/object-store.ts";

/** Which site is meant. */
export interface ReplaySite {
  readonly site: string;
  readonly siteEnv: string;
}

/** An object of a release, as its manifest has it. */
export interface SiteFile {
  /** Page key, decoded. */
  readonly key: string;
  /** Release under whose prefix it lies. */
  readonly at: string;
  /** Hex SHA-256 of its content. */
  readonly hash: string;
  readonly headers: ObjectHeaders;
  readonly metadata: ObjectMetadata;
}

export type BucketName = "config" | "hosting";

/** Where real sites come from; nothing of it writes. */
export interface SiteSource {
  /** All sites that have a record, in the order of the listing; may be asked for more than once. */
  sites(): AsyncIterable<ReplaySite>;
  record(ref: ReplaySite): Promise<SiteRecord | undefined>;
  /** What a release holds; `undefined` when its manifest cannot be read: then each object is asked for by itself. */
  files(ref: ReplaySite, release: ReleaseEntry): Promise<readonly SiteFile[] | undefined>;
  /** What an object is stored with. */
  head(bucket: BucketName, key: string): Promise<HeadOutcome>;
}
