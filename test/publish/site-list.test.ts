import { describe, expect, it } from "vitest";

import { failureText, readSites, siteRefs } from "../../src/publish/site-list.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import { newSiteRecord } from "../../src/site/model.ts";
import type { GetOutcome, KeyInput } from "../../src/store/object-store.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { folder, newWorld, openDeps } from "./publish-fixture.ts";

/** A bucket of records that are made when they are read, and how many reads were under way at most. */
class GeneratedStore extends MemoryStore {
  running = 0;
  most = 0;
  reads = 0;
  readonly #sites: number;

  constructor(sites: number) {
    super();
    this.#sites = sites;
  }

  override async *list(): AsyncGenerator<{
    kind: "object";
    key: string;
    size: number;
    etag: string;
    modifiedAt: number;
  }> {
    for (let site = 0; site < this.#sites; site += 1) {
      // As a listing does: a page at a time.
      if (site % 1_000 === 0) await Promise.resolve();
      const key = `test/production/_sites/s${String(site).padStart(6, "0")}.json`;
      yield { kind: "object", key, size: 1, etag: '"e"', modifiedAt: 0 };
    }
  }

  override async get({ key }: KeyInput): Promise<GetOutcome> {
    this.reads += 1;
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    await new Promise((resolve) => setImmediate(resolve));
    this.running -= 1;
    const site = /([a-z0-9]+)\.json$/.exec(key)?.[1] ?? "";
    const body = Buffer.from(JSON.stringify(newSiteRecord({ site, siteEnv: "production", counter: 0 })));
    const object = { etag: '"e"', metadata: {}, headers: {}, size: body.length };
    return { kind: "ok", object, body };
  }
}

describe("reading all sites", () => {
  it("yields them in order while several are read, and never more than a window", async () => {
    const config = new GeneratedStore(2_000);
    const deps = openDeps(newWorld());
    const names: string[] = [];
    let ahead = 0;
    const sites = readSites({ ...deps, store: { ...deps.store, config } }, ["production"]);
    for await (const { site } of sites) {
      names.push(site);
      ahead = Math.max(ahead, config.reads - names.length);
    }
    expect(names).toHaveLength(2_000);
    expect(names).toEqual([...names].sort());
    expect(config.most).toBeGreaterThan(8);
    expect(ahead).toBeLessThanOrEqual(64);
  });

  it("stops reading when nobody wants more", async () => {
    const config = new GeneratedStore(100_000);
    const deps = openDeps(newWorld());
    for await (const { site } of readSites({ ...deps, store: { ...deps.store, config } }, ["production"])) {
      if (site === "s000010") break;
    }
    expect(config.reads).toBeLessThan(100);
  });

  it("keeps website environments apart, and what is no record out", async () => {
    const world = newWorld();
    const dir = await folder({ "index.html": "x" });
    for (const siteEnv of ["production", "staging"]) {
      await publishFolder(openDeps(world), { site: "acme", siteEnv, dir, domains: [] });
    }
    const body = Buffer.from("{}");
    const stray = { etag: "", metadata: {}, headers: {}, size: 2, body, modifiedAt: 0 };
    world.config.set("test/production/_sites/No Uid.json", stray);
    const refs = [];
    for await (const ref of siteRefs(openDeps(world))) refs.push(ref);
    expect(refs).toEqual([
      { site: "acme", siteEnv: "production" },
      { site: "acme", siteEnv: "staging" },
    ]);
    const found = [];
    for await (const { siteEnv } of readSites(openDeps(world), ["staging"])) found.push(siteEnv);
    expect(found).toEqual(["staging"]);
  });
});

describe("what is told of a failure", () => {
  it("has the code of ours, and that of a bug for anything else", () => {
    expect(failureText(new SitefleetError("store/refused", "no"))).toBe("no [store/refused]");
    expect(failureText(new TypeError("oops"))).toBe("oops [fault/internal]");
  });
});
