import { createHash } from "node:crypto";
import type { BucketName, ReplaySite, SiteFile, SiteSource } from "../../src/replay/site-source.ts";
import { encodeConfig } from "../../src/site/codec.ts";
import { configKey } from "../../src/site/layout.ts";
import { deriveConfig, newSiteRecord } from "../../src/site/model.ts";
import type { DomainEntry, ReleaseEntry, SiteRecord } from "../../src/site/model.ts";
import { redirectMetadata } from "../../src/site/object-metadata.ts";
import { canonicalPath, pageKey } from "../../src/site/page-key.ts";
import type { HeadOutcome } from "../../src/store/object-store.ts";

const sha256Hex = (text: string): string => createHash("sha256").update(text).digest("hex");

const PAGES = [
  "index.html",
  "about.html",
  "blog/index.html",
  "blog/first.html",
  "404.html",
  "shop/list.html",
];
const ASSETS = ["style.css", "img/logo.png"];
const SLOTS = "0=!301 /old/* /new/{*}|1=302 /go/: /blog/{2}|2=200 /app/* /index.html";

/**
 * Any number of sites that are made when somebody asks for them, so that a replay over many takes no more memory than one
 * over few. Site `n` is `site-<n>` and has the host `site-<n>.example.net`.
 */
export class MadeSites implements SiteSource {
  readonly count: number;
  readonly #serverEnv: string;
  readonly #segment: string;
  /** Reads of the stores. */
  reads = 0;

  constructor(options: { readonly count: number; readonly serverEnv: string; readonly segment: string }) {
    this.count = options.count;
    this.#serverEnv = options.serverEnv;
    this.#segment = options.segment;
  }

  static host(number: number): string {
    return `site-${number}.example.net`;
  }

  async *sites(): AsyncGenerator<ReplaySite> {
    for (let number = 0; number < this.count; number += 1) {
      yield await Promise.resolve({ site: `site-${number}`, siteEnv: "production" });
    }
  }

  record({ site }: ReplaySite): Promise<SiteRecord | undefined> {
    this.reads += 1;
    const number = this.#numberOf(`${site}.example.net`);
    return Promise.resolve(number === undefined ? undefined : recordOf(number));
  }

  files(_site: ReplaySite, release: ReleaseEntry): Promise<readonly SiteFile[]> {
    this.reads += 1;
    return Promise.resolve(filesOf(release.id));
  }

  head(bucket: BucketName, key: string): Promise<HeadOutcome> {
    this.reads += 1;
    const host = key.split("/")[2] ?? "";
    const number = bucket === "config" ? this.#numberOf(host) : undefined;
    const wanted = configKey({
      serverEnv: this.#serverEnv,
      siteEnv: "production",
      domain: host === "" ? "none" : host,
      segment: this.#segment,
    });
    if (number === undefined || wanted !== key) return Promise.resolve({ kind: "not-found" });
    const record = recordOf(number);
    const entry = record.domains[host];
    const encoded = entry === undefined ? undefined : encodeConfig(deriveConfig(record, entry, sha256Hex));
    if (encoded?.kind !== "ok") throw new Error(`the config of ${host} cannot be made`);
    const { metadata } = encoded;
    return Promise.resolve({
      kind: "ok",
      object: { etag: `"${host}"`, metadata, headers: { contentType: "application/json" }, size: 100 },
    });
  }

  #numberOf(host: string): number | undefined {
    const number = Number(/^site-(\d{1,9})\.example\.net$/.exec(host)?.[1] ?? Number.NaN);
    return number < this.count ? number : undefined;
  }
}

/** Every third site forces TLS, every fifth has rules, every seventh is for the EU only. */
function recordOf(number: number): SiteRecord {
  const entry: DomainEntry = {
    kind: "primary",
    forceTls: number % 3 === 0,
    hsts: null,
    euOnly: number % 7 === 0,
    etag: null,
    digest: null,
  };
  return {
    ...newSiteRecord({ site: `site-${number}`, siteEnv: "production", counter: 1 }),
    current: "1",
    releases: [releaseOf(number)],
    domains: { [MadeSites.host(number)]: entry },
  };
}

function releaseOf(number: number): ReleaseEntry {
  return {
    id: "1",
    createdAt: "2026-01-01T00:00:00.000Z",
    files: PAGES.length + ASSETS.length,
    redirects: 1,
    bytes: 1_000,
    digest: "",
    base: "1",
    delta: "",
    notFoundPages: [""],
    trailingSlash: "auto",
    slots: number % 5 === 0 ? SLOTS : "",
    buckets: null,
  };
}

/** All sites show the same files: made once for each release. */
const FILES = new Map<string, readonly SiteFile[]>();

function filesOf(release: string): readonly SiteFile[] {
  const files = FILES.get(release) ?? makeFiles(release);
  FILES.set(release, files);
  return files;
}

function makeFiles(release: string): readonly SiteFile[] {
  const files = [...PAGES, ...ASSETS].map((path) => {
    const key = pageKey(`/${path}`);
    const contentType = path.endsWith(".html")
      ? "text/html; charset=utf-8"
      : path.endsWith(".css")
        ? "text/css"
        : "image/png";
    return {
      key,
      at: release,
      hash: sha256Hex(key),
      headers: { contentType },
      metadata: { p: canonicalPath(path) },
    };
  });
  const redirect = {
    key: "moved.html",
    at: release,
    hash: sha256Hex("moved"),
    headers: { contentType: "text/plain" },
    metadata: redirectMetadata({ location: "/about", status: 301 }),
  };
  return [...files, redirect];
}
