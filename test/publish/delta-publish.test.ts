import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { describe, expect, it } from "vitest";

import { readManifestBody } from "../../src/publish/release/manifest.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { addingRule, editRules } from "../../src/publish/redirects.ts";
import { lookUpDelta } from "../../src/site/delta-list.ts";
import { keyHash } from "../../src/publish/release/delta-plan.ts";
import { FaultPoint } from "../support/fault-point.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { ACME, configOf, folder, openDeps, publish, recordOf, visible, without } from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";
import { SHOP, V1, V2, WWW, published } from "./two-editions.ts";

const RECORD = "test/production/_sites/acme.json";

describe("a delta release", () => {
  it("leaves every page that did not change where it lies", async () => {
    const world = await published();
    const report = await publish(openDeps(world), without(V2, "about.html"));
    expect(report).toMatchObject({
      release: "2",
      previous: "1",
      written: { kind: "delta", uploaded: 1, uploadedBytes: 3 },
    });
    const config = configOf(world, WWW);
    const delta = config?.kind === "site" ? config.delta : "";
    expect(config).toMatchObject({ base: "1", release: "2" });
    expect(Object.keys(V1).map((key) => lookUpDelta(delta, keyHash(key)))).toEqual([
      "2",
      "-",
      undefined,
      undefined,
      undefined,
    ]);
    expect(visible(world, WWW)).toEqual(without(V2, "about.html"));
  });

  it("becomes a full one when its list no longer fits, without sending what the store has", async () => {
    const many = Object.fromEntries(
      Array.from({ length: 700 }, (_, index) => [`p${index}.html`, `page ${index}`]),
    );
    const world = await published({ ...V1, ...many });
    const changed = Object.fromEntries(
      Object.keys(many)
        .slice(0, 650)
        .map((path) => [path, `${path} anew`]),
    );
    const report = await publish(openDeps(world), { ...V1, ...many, ...changed });
    expect(report).toMatchObject({
      written: { kind: "full", reason: "too-long", uploaded: 650, copied: 55 },
    });
    expect(visible(world, WWW)).toEqual({ ...V1, ...many, ...changed });
  });

  it("leaves room in the config for what is chosen later", async () => {
    const world = await published({ ...V1, ...pages(460, "") });
    const few = await publish(openDeps(world), { ...V1, ...pages(460, ""), ...pages(350, "anew") });
    expect(few.written?.kind).toBe("delta");
    const metadata = Object.entries(world.config.get(`test/production/${WWW}/s3cret`)?.metadata ?? {});
    expect(metadata.flat().join("").length).toBeLessThan(2_000 - 256);
  });

  it("keeps an asset for pages that were loaded before it was removed", async () => {
    const world = await published();
    const clock = new InstantClock();
    await publish({ ...openDeps(world), clock }, without(V2, "app.css"));
    expect(visible(world, WWW)).toEqual(V2);
    await clock.sleep(169 * 3_600_000);
    await publish({ ...openDeps(world), clock }, { ...without(V2, "app.css"), "index.html": "three" });
    expect(visible(world, WWW)).toEqual({ ...without(V1, "app.css"), "index.html": "three" });
  });

  it("is not made of a file that changes while it is read", async () => {
    const world = await published();
    const dir = await folder(V2);
    const faults = new (class extends FaultPoint {
      override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
        if (name.endsWith("releases/2.jsonl")) await writeFile(join(dir, "index.html"), "TWO");
        return super.run(name, effect);
      }
    })();
    const request = { ...ACME, dir, domains: [] };
    await expect(publishFolder(openDeps(world, { faults }), request)).rejects.toMatchObject({
      code: "publish/file-changed",
    });
    expect(visible(world, WWW)).toEqual(V1);
    await publishFolder(openDeps(world), request);
    expect(visible(world, WWW)).toEqual({ ...V1, "index.html": "TWO" });
  });
});

function pages(count: number, text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`p${index}.html`, `${index} ${text}`]),
  );
}

/** How a site as an earlier version left it becomes one of today. */
describe("a site of the first format", () => {
  it("is brought up by the next publish: record, manifest and configs", async () => {
    const world = await published();
    downgrade(world);
    const report = await publish(openDeps(world), V2);
    expect(report).toMatchObject({ release: "2", written: { kind: "delta", uploaded: 1, copied: 0 } });
    expect(JSON.parse(Buffer.from(world.config.get(RECORD)?.body ?? "").toString())).toMatchObject({
      format: 2,
    });
    expect(world.config.get(`test/production/${WWW}/s3cret`)?.metadata).toMatchObject({
      v: "3",
      r: "1",
      i: "2",
    });
    expect(visible(world, WWW)).toEqual(V2);
  });

  it("needs no upload when its folder is still the same", async () => {
    const world = await published();
    downgrade(world);
    expect(await publish(openDeps(world), V1)).toMatchObject({ written: { uploaded: 0, copied: 0 } });
    expect(await publish(openDeps(world), V1)).toMatchObject({ kind: "unchanged" });
    await editRules(openDeps(world), ACME, { edit: addingRule("/a /about") });
    expect(visible(world, WWW)).toEqual({ ...V1, "a.html": "-> 301 /about" });
  });
});

/** Rewrites record, manifest and configs as the first version wrote them. */
function downgrade(world: World): void {
  const record = recordOf(world);
  const { protectedAreas: _, ...rest } = record;
  const body = {
    ...rest,
    format: 1,
    policies: { notFound: "page", strictPaths: false, noindex: false, suspended: null },
    releases: record.releases.map(({ id, createdAt, files, redirects, bytes, slots }) => ({
      id,
      createdAt,
      files,
      redirects,
      bytes,
      slots,
      digest: "of the first version",
      notFoundPage: true,
    })),
    domains: Object.fromEntries(
      Object.entries(record.domains).map(([domain, { etag, forceTls }]) => [
        domain,
        { kind: "primary", hsts: null, forceTls, etag, digest: "of the first version" },
      ]),
    ),
  };
  replace(world, RECORD, JSON.stringify(body));
  const manifest = readManifestBody(
    world.config.get(RECORD.replace(".json", "/releases/1.jsonl"))?.body ?? Buffer.of(),
  );
  const lines = [...(manifest?.objects.values() ?? [])].map(({ key, size, hash, headers, metadata }) => ({
    key,
    canonical: metadata["p"],
    size,
    hash,
    ...headers,
  }));
  const text = [{ format: 1, release: "1" }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
  replace(world, RECORD.replace(".json", "/releases/1.jsonl"), text);
  for (const domain of [WWW, SHOP]) {
    const key = `test/production/${domain}/s3cret`;
    const found = world.config.get(key);
    if (found) world.config.set(key, { ...found, metadata: { v: "1", s: "acme", r: "1", n: "p" } });
  }
}

function replace(world: World, key: string, text: string): void {
  const found = world.config.get(key);
  if (!found) throw new Error(`no ${key}`);
  world.config.set(key, { ...found, body: Buffer.from(text) });
}
