import { createHash } from "node:crypto";
import type { BucketName, ReplaySite, SiteFile, SiteSource } from "../../src/replay/site-source.ts";
import { encodeConfig } from "../../src/site/codec.ts";
import { configKey, ruleBucketKey } from "../../src/site/layout.ts";
import { deriveConfig } from "../../src/site/model.ts";
import type { DomainEntry, ReleaseEntry, SiteRecord } from "../../src/site/model.ts";
import { bucketMetadata } from "../../src/site/rule-buckets.ts";
import { unpackRules } from "../../src/site/rule-slots.ts";
import { segmentHash } from "../../src/site/short-hashes.ts";
import type { HeadOutcome, ObjectMetadata } from "../../src/store/object-store.ts";
import { MadeSites } from "../support/made-sites.ts";

const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex");

/** First segment of the paths whose rules lie in a bucket, and the rule. */
export const BUCKET = { segment: "catalogue", rules: "0=301 /catalogue/* /shop/{*}" } as const;
export const SITE_HOST = MadeSites.host(1);
export const PREVIEW_HOST = "preview-of-site-1.example.net";

const PLACE = { site: "site-1", siteEnv: "production" } as const;
const PREVIEW: DomainEntry = {
  kind: "preview",
  name: "preview-of",
  release: "2",
  expiresAt: "2026-03-01T00:00:00.000Z",
  forceTls: false,
  etag: null,
  digest: null,
};

/** One site with a bucket of rules, and a preview host that shows another release than the site's own host. */
export class ShapedSite implements SiteSource {
  readonly #made: MadeSites;
  readonly #server: { readonly serverEnv: string; readonly segment: string };

  constructor(server: { readonly serverEnv: string; readonly segment: string }) {
    this.#server = server;
    this.#made = new MadeSites({ count: 2, ...server });
  }

  async *sites(): AsyncGenerator<ReplaySite> {
    yield await Promise.resolve(PLACE);
  }

  async record(ref: ReplaySite): Promise<SiteRecord | undefined> {
    const record = await this.#made.record(ref);
    const [release] = record?.releases ?? [];
    if (record === undefined || release === undefined) return undefined;
    const buckets = { tag: "1", segments: [segmentHash(BUCKET.segment, sha256Hex)] };
    return {
      ...record,
      releases: [
        { ...release, buckets },
        { ...release, id: "2", base: "2" },
      ],
      domains: { ...record.domains, [PREVIEW_HOST]: PREVIEW },
    };
  }

  files(ref: ReplaySite, release: ReleaseEntry): Promise<readonly SiteFile[]> {
    return this.#made.files(ref, release);
  }

  async head(bucket: BucketName, key: string): Promise<HeadOutcome> {
    const [segment] = (await this.record(PLACE))?.releases[0]?.buckets?.segments ?? [];
    const place = { serverEnv: this.#server.serverEnv, ...PLACE };
    if (segment !== undefined && key === ruleBucketKey(place, { tag: "1", segment })) {
      const unpacked = unpackRules(BUCKET.rules);
      return found(bucketMetadata({ site: PLACE.site, rules: unpacked.kind === "ok" ? unpacked.rules : [] }));
    }
    return bucket === "config" ? this.#config(key) : { kind: "not-found" };
  }

  async #config(key: string): Promise<HeadOutcome> {
    const record = await this.record(PLACE);
    for (const [domain, entry] of Object.entries(record?.domains ?? {})) {
      if (record === undefined || key !== configKey({ ...this.#server, siteEnv: PLACE.siteEnv, domain }))
        continue;
      const encoded = encodeConfig(deriveConfig(record, entry, sha256Hex));
      if (encoded.kind !== "ok") throw new Error(`the config of ${domain} cannot be made`);
      return found(encoded.metadata);
    }
    return { kind: "not-found" };
  }
}

function found(metadata: ObjectMetadata): HeadOutcome {
  const headers = { contentType: "application/json" };
  return { kind: "ok", object: { etag: '"1"', metadata, headers, size: 100 } };
}
