import type { OriginObject } from "./origin-object.ts";
import { objectOfFile, objectOfHead } from "./origin-object.ts";
import type { SiteFiles, SiteShelf } from "./site-shelf.ts";
import type { BucketName, SiteSource } from "./site-source.ts";

/** What is at a key: `null` = nothing. */
export type Found = OriginObject | null;

/** Something that has been looked up before. */
export interface KnownObject {
  readonly bucket: BucketName;
  readonly key: string;
  readonly found: Found;
}

/** Of a key of the hosting bucket: website environment, site and the rest, `<release>/<page key>`. */
const HOSTING_KEY = /^[^/]+\/([^/]+)\/([^/]+)\/([^/]+\/.+)$/s;

/**
 * The stores as the requests of one host see them: what was looked up once is answered alike ever after, so that both
 * sides are asked over the same objects. Pages come from the site's manifest, all else from the stores themselves.
 */
export class ObjectView {
  readonly #source: SiteSource;
  readonly #shelf: SiteShelf;
  readonly #known = new Map<string, Found>();

  constructor(source: SiteSource, shelf: SiteShelf, known: readonly KnownObject[] = []) {
    this.#source = source;
    this.#shelf = shelf;
    for (const { bucket, key, found } of known) this.#known.set(`${bucket} ${key}`, found);
  }

  /** No promise where the answer is known already: nearly always, and a promise would cost as much as a subroutine. */
  find(bucket: BucketName, key: string): Found | Promise<Found> {
    const known = this.#known.get(`${bucket} ${key}`);
    return known === undefined ? this.#lookUp(bucket, key) : known;
  }

  async #lookUp(bucket: BucketName, key: string): Promise<Found> {
    const found = bucket === "hosting" ? await this.#page(key) : await this.#head(bucket, key);
    this.#known.set(`${bucket} ${key}`, found);
    return found;
  }

  async #page(key: string): Promise<Found> {
    const [, siteEnv, site, rest] = HOSTING_KEY.exec(key) ?? [];
    if (siteEnv === undefined || site === undefined || rest === undefined) return this.#head("hosting", key);
    const files = await this.#filesOf(siteEnv, site);
    if (files === undefined) return this.#head("hosting", key);
    const file = files.get(rest);
    if (file !== undefined) return objectOfFile(key, file);
    // The manifests are of the releases that are shown now: of another one, as a config that is behind names it, they say nothing.
    const [release = ""] = rest.split("/", 1);
    return isReleaseOf(files, release) ? null : this.#head("hosting", key);
  }

  async #filesOf(siteEnv: string, site: string): Promise<SiteFiles | undefined> {
    return (await this.#shelf.get({ siteEnv, site }))?.files;
  }

  async #head(bucket: BucketName, key: string): Promise<Found> {
    const outcome = await this.#source.head(bucket, key);
    return outcome.kind === "ok" ? objectOfHead(key, outcome.object) : null;
  }
}

/** Releases that a site's files lie in, found once for each list. */
const RELEASES = new WeakMap<SiteFiles, ReadonlySet<string>>();

function isReleaseOf(files: SiteFiles, release: string): boolean {
  const known = RELEASES.get(files) ?? new Set([...files.values()].map(({ at }) => at));
  RELEASES.set(files, known);
  return known.has(release);
}
