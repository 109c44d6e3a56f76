import { decodeConfig } from "../site/codec.ts";
import { siteEnvOf } from "../site/names.ts";
import { hostName } from "../mirror/edge/service-directory.ts";
import { configKeyOf } from "./corpus-site.ts";
import type { ReplayEnvironment } from "./environment.ts";
import { ObjectView } from "./object-view.ts";
import type { KnownObject } from "./object-view.ts";
import { EdgePair } from "./pair.ts";
import type { ReplayRequest } from "./request.ts";
import type { Sides } from "./side-program.ts";
import type { SiteShelf } from "./site-shelf.ts";
import type { ReplaySite, SiteSource } from "./site-source.ts";

/** A host that somebody asked for. */
export interface HostPlace {
  readonly host: string;
  /** Whose it is; `null` = nobody's. */
  readonly site: ReplaySite | null;
  /** What has been looked up to find out. */
  readonly known: readonly KnownObject[];
}

export interface HostDeskOptions {
  readonly sides: Sides;
  readonly environment: ReplayEnvironment;
  readonly source: SiteSource;
  readonly startedAt: number;
}

/**
 * Requests whose answers the caches of all hosts may hold together, and those of one host. Bounded by requests, not by
 * bytes: so both sides forget at the same request, and a larger object on one of them changes nothing but itself.
 */
const MAX_REQUESTS = 8_000;
const MAX_OF_HOST = 500;
/** Hosts whose owners are remembered. */
const MAX_PLACES = 4_000;

/** Edges by host, those used last; each host has caches of its own, so that no host's requests change another's answers. */
export class HostDesk {
  readonly #options: HostDeskOptions;
  readonly #shelf: SiteShelf;
  /** In the order of use, oldest first, as are the pairs. */
  readonly #places = new Map<string, Promise<HostPlace>>();
  readonly #pairs = new Map<string, EdgePair>();
  /** Requests that all pairs together have answered. */
  #held = 0;
  #now: number;

  constructor(options: HostDeskOptions, shelf: SiteShelf) {
    this.#options = options;
    this.#shelf = shelf;
    this.#now = options.startedAt;
  }

  /** Finds out whose host it is, and reads ahead what its requests will ask for. */
  place(hostHeader: string): Promise<HostPlace> {
    const host = hostName(hostHeader);
    const known = this.#places.get(host) ?? this.#open(host);
    this.#places.delete(host);
    this.#places.set(host, known);
    const [oldest] = this.#places.keys();
    if (this.#places.size > MAX_PLACES && oldest !== undefined) this.#places.delete(oldest);
    return known;
  }

  /** The edges that are to answer a request of a host: after a while new ones, whose caches are empty. */
  pairOf(place: HostPlace, { at }: Pick<ReplayRequest, "at">): EdgePair {
    this.#now = at ?? this.#now;
    const { host } = place;
    const known = this.#pairs.get(host);
    const pair = known !== undefined && known.count < MAX_OF_HOST ? known : this.#newPair(place);
    if (known !== undefined && known !== pair) this.#held -= known.count;
    this.#pairs.delete(host);
    this.#pairs.set(host, pair);
    this.#held += 1;
    for (const [name, oldest] of this.#pairs) {
      if (this.#held <= MAX_REQUESTS || oldest === pair) break;
      this.#pairs.delete(name);
      this.#held -= oldest.count;
    }
    return pair;
  }

  #newPair({ known }: HostPlace): EdgePair {
    const { sides, environment, source } = this.#options;
    const view = new ObjectView(source, this.#shelf, known);
    return new EdgePair({ sides, view, stores: environment.stores, startedAt: this.#now });
  }

  async #open(host: string): Promise<HostPlace> {
    const { environment, source } = this.#options;
    if (!LOOKED_UP.test(host)) return { host, site: null, known: [] };
    const siteEnv = siteEnvOf(host, environment.hostSuffixes);
    const key = configKeyOf(environment, { host, siteEnv });
    const found = await new ObjectView(source, this.#shelf).find("config", key);
    const decoded = found === null ? undefined : decodeConfig(found.metadata);
    const site = decoded?.kind === "ok" ? { siteEnv, site: decoded.config.site } : null;
    if (site !== null) await this.#shelf.get(site);
    return { host, site, known: [{ bucket: "config", key, found }] };
  }
}

/** Names that a config can be for; for others no key is made. */
const LOOKED_UP = /^[a-z0-9][a-z0-9.-]{0,252}$/;
