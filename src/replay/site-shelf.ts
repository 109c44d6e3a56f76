import type { SiteRecord } from "../site/model.ts";
import type { ReplaySite, SiteFile, SiteSource } from "./site-source.ts";

/** Objects by `<release>/<page key>`. */
export type SiteFiles = ReadonlyMap<string, SiteFile>;

/** A site as it is now. */
export interface ShelvedSite {
  readonly ref: ReplaySite;
  readonly record: SiteRecord;
  /** `undefined` where a manifest could not be read. */
  readonly files: SiteFiles | undefined;
}

/** Previews whose releases are read besides the one that is shown. */
const MAX_PREVIEWS = 8;
/** Objects of all sites that are kept, by which memory stays bounded whatever sites there are. */
const MAX_OBJECTS = 200_000;
const MAX_SITES = 512;

/** The sites read last, each read once while it is kept. */
export class SiteShelf {
  readonly #source: SiteSource;
  /** In the order of use, oldest first. */
  readonly #sites = new Map<string, Promise<ShelvedSite | undefined>>();
  readonly #weights = new Map<string, number>();
  #weight = 0;

  constructor(source: SiteSource) {
    this.#source = source;
  }

  /** The site; `undefined` when it has no record. */
  get(ref: ReplaySite): Promise<ShelvedSite | undefined> {
    const name = `${ref.siteEnv}/${ref.site}`;
    const known = this.#sites.get(name);
    if (known !== undefined) {
      this.#sites.delete(name);
      this.#sites.set(name, known);
      return known;
    }
    const reading = this.#read(name, ref);
    this.#sites.set(name, reading);
    this.#weigh(name, 1);
    return reading;
  }

  async #read(name: string, ref: ReplaySite): Promise<ShelvedSite | undefined> {
    const record = await this.#source.record(ref);
    if (record === undefined) return undefined;
    const files = await readFiles(this.#source, ref, record);
    if (this.#sites.has(name)) this.#weigh(name, files?.size ?? 1);
    return { ref, record, files };
  }

  #weigh(name: string, weight: number): void {
    this.#weight += weight - (this.#weights.get(name) ?? 0);
    this.#weights.set(name, weight);
    for (const oldest of this.#sites.keys()) {
      if (oldest === name || (this.#weight <= MAX_OBJECTS && this.#sites.size <= MAX_SITES)) return;
      this.#sites.delete(oldest);
      this.#weight -= this.#weights.get(oldest) ?? 0;
      this.#weights.delete(oldest);
    }
  }
}

async function readFiles(
  source: SiteSource,
  ref: ReplaySite,
  record: SiteRecord,
): Promise<SiteFiles | undefined> {
  const previews = Object.values(record.domains).flatMap((entry) =>
    entry.kind === "preview" && !entry.removing ? [entry.release] : [],
  );
  const shown = new Set([...(record.current === null ? [] : [record.current]), ...previews]);
  const files = new Map<string, SiteFile>();
  for (const id of [...shown].slice(0, MAX_PREVIEWS + 1)) {
    const release = record.releases.find((entry) => entry.id === id);
    const held = release && (await source.files(ref, release));
    if (held === undefined) return undefined;
    for (const file of held) files.set(`${file.at}/${file.key}`, file);
  }
  return shown.size > MAX_PREVIEWS + 1 ? undefined : files;
}
