import { describe, expect, it } from "vitest";
import type { BucketName, ReplaySite, SiteFile, SiteSource } from "../../src/replay/site-source.ts";
import type { ReleaseEntry, SiteRecord } from "../../src/site/model.ts";
import type { HeadOutcome } from "../../src/store/object-store.ts";
import { MadeSites } from "../support/made-sites.ts";
import { linesOf, replay, SEGMENT, sideWith, testEnvironment } from "./replay-fixture.ts";

const HOST = MadeSites.host(1);

/** A site that shows release 2 by its record, while its config, which is behind, still names release 1. */
class SiteWithConfigBehind implements SiteSource {
  /** Keys of the hosting bucket that were asked for by themselves. */
  readonly heads: string[] = [];
  readonly #made = new MadeSites({ count: 2, serverEnv: testEnvironment().name, segment: SEGMENT });
  readonly #held: RegExp;

  /** `held`: what the hosting bucket still has of release 1. */
  constructor(held: RegExp) {
    this.#held = held;
  }

  sites(): AsyncIterable<ReplaySite> {
    return this.#made.sites();
  }

  async record(ref: ReplaySite): Promise<SiteRecord | undefined> {
    const record = await this.#made.record(ref);
    const [release] = record?.releases ?? [];
    if (record === undefined || release === undefined) return undefined;
    return { ...record, current: "2", releases: [release, { ...release, id: "2", base: "2" }] };
  }

  files(ref: ReplaySite, release: ReleaseEntry): Promise<readonly SiteFile[]> {
    return this.#made.files(ref, release);
  }

  head(bucket: BucketName, key: string): Promise<HeadOutcome> {
    if (bucket === "config") return this.#made.head(bucket, key);
    this.heads.push(key);
    if (!this.#held.test(key)) return Promise.resolve({ kind: "not-found" });
    const headers = { contentType: "text/html; charset=utf-8" };
    return Promise.resolve({ kind: "ok", object: { etag: '"old"', metadata: {}, headers, size: 10 } });
  }
}

/** What was asked and answered for two pages, by a change that every stored page comes by. */
async function replayBehind(source: SiteWithConfigBehind): Promise<{
  readonly statuses: readonly (number | undefined)[];
  readonly asked: string;
}> {
  const after = sideWith(["set beresp.ttl = 3600s;", "set beresp.ttl = 60s;"]);
  const work = linesOf(["/about", "/gone"].map((path) => ({ url: `https://${HOST}${path}` })));
  const { changes } = await replay(after, { count: 2, work, source });
  const ofPath = (path: string): number | undefined =>
    changes.find(({ request }) => request.url.endsWith(path))?.before.status;
  return {
    statuses: [ofPath("/about"), ofPath("/gone")],
    asked: changes.flatMap(({ before }) => before.asked).join("\n"),
  };
}

describe("a replay of a site whose config names a release that is no longer shown", () => {
  it("asks the store for that release's objects, of which the manifests of what is shown say nothing", async () => {
    const source = new SiteWithConfigBehind(/\/site-1\/1\/about\.html$/);
    const { statuses, asked } = await replayBehind(source);
    expect(statuses[0]).toBe(200);
    expect(asked).toMatch(/\/site-1\/1\/about\.html -> 200/);
    expect(source.heads.some((key) => key.endsWith("/site-1/1/about.html"))).toBe(true);
  });

  it("finds nothing where the store has let go of that release, and asks for each object once", async () => {
    const source = new SiteWithConfigBehind(/\/never$/);
    const { asked } = await replayBehind(source);
    expect(asked).not.toContain("/site-1/1/about.html -> 200");
    expect(source.heads.some((key) => key.endsWith("/site-1/1/about.html"))).toBe(true);
    expect(new Set(source.heads).size).toBe(source.heads.length);
  });
});
