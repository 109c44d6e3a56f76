import * as fc from "fast-check";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { configKeyOf, sha256Hex } from "../../src/publish/publish-deps.ts";
import type { PublishSession } from "../../src/fleet/publish-session.ts";
import { ASSUMED_REQUEST, workspaceBound } from "../../src/publish/limits/workspace-bound.ts";
import { encodeConfig } from "../../src/site/codec.ts";
import { deltaHash } from "../../src/site/delta-list.ts";
import { segmentHash, shortHash } from "../../src/site/short-hashes.ts";
import { EDGE_LIMITS } from "../../src/site/edge-limits.ts";
import { ruleBucketKey } from "../../src/site/layout.ts";
import type { ServedConfig } from "../../src/site/model.ts";
import { bucketMetadata } from "../../src/site/rule-buckets.ts";
import { slotRuleProblem } from "../../src/site/rule-slots.ts";
import type { SlotRule } from "../../src/site/rule-slots.ts";
import { deltaText, formerDeltaText } from "../support/delta-lists.ts";
import { startLocalEdge } from "../support/local-edge.ts";
import type { LocalEdge } from "../support/local-edge.ts";

const SITE = "bound";
const TAG = "1";

const query = fc.constantFrom(
  [],
  [{ name: "a", value: null }],
  [{ name: "a", value: "1" }],
  [
    { name: "a", value: null },
    { name: "b", value: null },
  ],
  [
    { name: "a", value: null },
    { name: "b", value: "2" },
  ],
);

/** Rules that match most paths, so that the edge goes as far with each as it can. */
const rule: fc.Arbitrary<SlotRule> = fc
  .record({
    forced: fc.boolean(),
    status: fc.constantFrom(301 as const, 302 as const, 200 as const, 404 as const),
    segments: fc.array(fc.constantFrom(null, "x", "deep"), { maxLength: 4 }),
    splat: fc.boolean(),
    query,
    target: fc.constantFrom("/t", "/{1}/{1}/{1}", "/x/{*}", "/{*}/{*}", "/{1}/{2}/{a}", "/s/{a}/{b}/{a}"),
  })
  .filter((made) => slotRuleProblem(made) === undefined);

const area = fc.record({
  prefix: fc.constantFrom("/", "/x/", "/deep/x/", "/none/"),
  salt: fc.constant("a".repeat(32)),
  verifier: fc.constant("b".repeat(64)),
});

const config: fc.Arbitrary<ServedConfig> = fc
  .record({
    rules: fc.array(rule, { maxLength: 24 }),
    changes: fc.nat({ max: 440 }),
    former: fc.boolean(),
    directories: fc.nat({ max: 20 }),
    protectedAreas: fc.uniqueArray(area, { maxLength: 4, selector: ({ prefix }) => prefix }),
    notFound: fc.constantFrom("page" as const, "spa" as const, "builtin" as const, "redirect" as const),
    forceTls: fc.boolean(),
    paths: fc.constantFrom("redirect" as const, "strict" as const, "literal" as const),
    buckets: fc.boolean(),
  })
  .map(({ changes, former, directories, buckets, ...chosen }) =>
    shortened({
      kind: "site",
      site: SITE,
      base: "zzzz",
      release: "zzzy",
      delta: former
        ? formerDeltaText(tagged(hashes(Math.min(changes, 190))))
        : deltaText(tagged(deltaHashes(changes))),
      hsts: 63_072_000,
      notFoundDirectories: hashes(directories),
      noindex: true,
      suspended: undefined,
      euOnly: false,
      expiresAt: undefined,
      ...chosen,
      buckets: buckets
        ? { tag: TAG, segments: ["x", "deep"].map((name) => segmentHash(name, sha256Hex)).sort() }
        : undefined,
    }),
  );

function tagged(hashes: readonly string[]): readonly (readonly [string, string])[] {
  return hashes.map((hash, index) => [hash, index % 2 === 0 ? "-" : "zzzz"]);
}

/** What new lists call the same, among pages whose digits are different everywhere. */
function deltaHashes(count: number): readonly string[] {
  const made = ["x.html", "deep/x.html", "x", "deep/x"].map((key) => deltaHash(key, sha256Hex));
  for (let index = 0; made.length < count; index += 1) made.push(deltaHash(`${index}.html`, sha256Hex));
  return made.slice(0, count);
}

/** Hashes of what is asked for first, so that lookups find something and take the rest of the list. */
function hashes(count: number): readonly string[] {
  const made = ["x.html", "deep/x.html", "x", "deep/x"].map((key) => shortHash(key, sha256Hex));
  for (let index = 0; made.length < count; index += 1) made.push(index.toString(16).padStart(8, "0"));
  return made.slice(0, count).sort();
}

/** A config that can be written: without the last rules, then without its lists. */
function shortened(wanted: ServedConfig): ServedConfig {
  if (encodeConfig(wanted).kind === "ok") return wanted;
  if (wanted.rules.length > 0) return shortened({ ...wanted, rules: wanted.rules.slice(0, -1) });
  return { ...wanted, delta: "", notFoundDirectories: [] };
}

const letters = fc.constantFrom("a", "Z", "~", "%C3%A9", "%20", "aaaaaaaa", "-");
const long = (max: number): fc.Arbitrary<string> =>
  fc.array(letters, { maxLength: max }).map((parts) => parts.join(""));

/** URLs of at most the assumed length. */
const url = fc
  .record({
    head: fc.constantFrom("/", "/x/", "/deep/x/", "/x/x/x/x/"),
    tail: long(60),
    share: fc.constantFrom(0, 0.5, 1),
    a: long(80),
    b: long(80),
  })
  .map(({ head, tail, share, a, b }) => {
    const path = `${head}${cut(tail, ASSUMED_REQUEST.url * share - head.length)}`;
    return cut(`${path}?b=${cut(b, 100)}&a=${a}`, ASSUMED_REQUEST.url);
  });

/** The first bytes, no escape cut in two. */
function cut(text: string, length: number): string {
  return text.slice(0, Math.max(0, Math.floor(length))).replace(/%(?:C(?:3(?:%A?)?)?|2)?$/, "");
}

const PLAIN: ServedConfig = {
  kind: "site",
  site: SITE,
  base: "zzzz",
  release: "zzzy",
  delta: "",
  hsts: 63_072_000,
  notFound: "page",
  notFoundDirectories: [],
  paths: "redirect",
  forceTls: false,
  noindex: true,
  suspended: undefined,
  euOnly: false,
  protectedAreas: [],
  expiresAt: undefined,
  rules: [],
  buckets: undefined,
};
const SPLAT: SlotRule = {
  forced: false,
  status: 302,
  segments: [],
  splat: true,
  query: [],
  target: "/b/{*}",
};

/** Rules of which a site has as many as it can, and the URL that makes the edge do most with them. */
const DEAREST: Readonly<Record<string, { readonly rules: SlotRule; readonly url: string }>> = {
  "patterns that are tried in vain": {
    rules: { ...SPLAT, forced: true, segments: ["none"] },
    url: `/${"a".repeat(510)}`,
  },
  "forced conditions that are not met at long paths": {
    rules: {
      ...SPLAT,
      forced: true,
      segments: [null],
      splat: false,
      target: "/{1}",
      query: [{ name: "a", value: "lit" }],
    },
    url: `/${"a".repeat(500)}?a=1`,
  },
  "paths of pages that are too long once they are filled in": {
    rules: { ...SPLAT, status: 200, segments: [null], splat: false, target: "/{1}/{1}" },
    url: `/${"a".repeat(510)}`,
  },
  "long values that are compared": {
    rules: { ...SPLAT, forced: true, query: [{ name: "a", value: "z".repeat(50) }] },
    url: `/x?a=${"%7A".repeat(49)}b&a=${"z".repeat(350)}`,
  },
  "long values that are captured": {
    rules: {
      ...SPLAT,
      target: "/{a}",
      query: [
        { name: "a", value: null },
        { name: "b", value: "2" },
      ],
    },
    url: `/x?b=3&a=${"%20".repeat(163)}`,
  },
};

describe.each([true, false])("the workspace that a site needs, shielded %s", (shield) => {
  let started: LocalEdge | undefined;
  let session: PublishSession | undefined;
  let hosts = 0;

  beforeAll(async () => {
    started = await startLocalEdge({ shield });
    session = started.openSession();
  }, 60_000);
  afterAll(() => started?.close());

  /** Bytes that a request took, by the edge's own log. */
  async function used(
    site: ServedConfig,
    ask: { readonly url: string; readonly bucket: readonly SlotRule[]; readonly credentials: string },
  ): Promise<number> {
    if (!started || !session) throw new Error("nothing was started");
    const { deps } = session;
    const { signal } = deps;
    hosts += 1;
    const host = `w${hosts}.localhost`;
    const encoded = encodeConfig(site);
    if (encoded.kind !== "ok") throw new Error(encoded.kind);
    const config = { key: configKeyOf(deps, host), body: "{}", metadata: encoded.metadata, signal };
    await deps.store.config.put(config);
    const place = { serverEnv: deps.environment.name, siteEnv: "production", site: SITE };
    for (const segment of site.buckets?.segments ?? []) {
      const key = ruleBucketKey(place, { tag: TAG, segment });
      const metadata = bucketMetadata({ site: SITE, rules: ask.bucket });
      await deps.store.config.put({ key, body: "{}", metadata, signal });
      await deps.purge.purgeKeys({ serviceId: await deps.serviceId(), keys: [`c:${SITE}`], soft: false });
    }
    const filler = "f".repeat(ASSUMED_REQUEST.headers - ask.credentials.length - 600);
    const answer = await request(started.mirror.file.edge.http + ask.url, {
      headers: { host, authorization: ask.credentials, "x-filler": filler, accept: "text/html" },
    });
    await answer.body.dump();
    const line = await started.logLine(`"domain":"${host}"`);
    const free = /"workspace_free":(\d+)/.exec(line)?.[1];
    if (free === undefined) throw new Error(line);
    return EDGE_LIMITS.workspace - Number(free);
  }

  async function ratio(
    site: ServedConfig,
    ask: { readonly url: string; readonly bucket: readonly SlotRule[]; readonly credentials: string },
  ): Promise<number> {
    const buckets = site.buckets ? [ask.bucket] : [];
    // Names of hosts here have at most this many bytes.
    const bound = workspaceBound({ host: 20, config: site, buckets, object: 0 });
    // Publishing refuses it.
    if (bound > EDGE_LIMITS.workspace) return 0;
    return (await used(site, ask)) / bound;
  }

  it("is never more than the bound", async () => {
    const bucket = fc.array(rule, { maxLength: 14 });
    const credentials = fc.constantFrom("", `Basic ${"QWxhZGRpbjpvcGVu".repeat(40)}`);
    const property = fc.asyncProperty(config, bucket, url, credentials, async (site, rules, path, basic) => {
      expect(await ratio(site, { url: path, bucket: rules, credentials: basic })).toBeLessThanOrEqual(1);
    });
    await fc.assert(property, { numRuns: 100 });
  });

  it.each(Object.entries(DEAREST))("comes near the bound for %s", async (_, { rules, url: path }) => {
    const ask = { url: path, bucket: [], credentials: "" };
    const near = await ratio({ ...PLAIN, rules: Array.from({ length: 24 }, () => rules) }, ask);
    expect(near).toBeLessThanOrEqual(1);
    // A bound that nothing comes near would refuse sites for nothing.
    expect(near).toBeGreaterThan(0.6);
  });
});
