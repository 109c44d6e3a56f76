import { mapAhead } from "../../lib/map-ahead.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { readOwner } from "../config-sync.ts";
import type { PublishDeps } from "../publish-deps.ts";

const PARALLEL_READS = 32;

/** Which sites some host's config names, with one of the hosts; by the configs themselves, whatever records say. */
export class ConfiguredSites {
  readonly #deps: PublishDeps;
  readonly #known = new Map<string, Promise<ReadonlyMap<string, string>>>();

  constructor(deps: PublishDeps) {
    this.#deps = deps;
  }

  /**
   * The sites of a website environment, each with a host. All configs are looked at, once: one request for each.
   * @throws SitefleetError `site/unreadable` for a config that cannot be read, because nobody knows what it names
   */
  in(siteEnv: string): Promise<ReadonlyMap<string, string>> {
    const known = this.#known.get(siteEnv) ?? this.#read(siteEnv);
    this.#known.set(siteEnv, known);
    return known;
  }

  async #read(siteEnv: string): Promise<ReadonlyMap<string, string>> {
    const deps = this.#deps;
    const owners = mapAhead(this.#hosts(siteEnv), PARALLEL_READS, async (host) => ({
      host,
      owner: await readOwner(deps, host),
    }));
    const sites = new Map<string, string>();
    for await (const { host, owner } of owners) {
      if (owner.kind === "unreadable") {
        throw new SitefleetError(
          "site/unreadable",
          `the config of "${host}" ${owner.reason}, so nobody knows what it needs`,
          { hint: "nothing was deleted; update sitefleet, or write the config anew" },
        );
      }
      if (owner.kind === "site") sites.set(owner.site, host);
    }
    return sites;
  }

  async *#hosts(siteEnv: string): AsyncGenerator<string> {
    const { environment, store, signal } = this.#deps;
    const prefix = `${environment.name}/${siteEnv}/`;
    for await (const entry of store.config.list({ prefix, delimiter: "/", signal })) {
      const host = entry.key.slice(prefix.length).replace(/\/$/, "");
      // What the publisher keeps for itself begins with `_`, which no host does.
      if (entry.kind === "prefix" && !host.startsWith("_")) yield host;
    }
  }
}
