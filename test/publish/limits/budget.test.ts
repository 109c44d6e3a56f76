import { describe, expect, it } from "vitest";

import { budgetText, tightestFirst } from "../../../src/publish/limits/budget.ts";
import { readBudget } from "../../../src/publish/release/release-fit.ts";
import { readSite } from "../../../src/publish/record-store.ts";
import { ACME, newWorld, openDeps, publish } from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

const HOST = "www.example.com";

async function budgetOfSite(world: World) {
  const deps = openDeps(world);
  const { record } = await readSite(deps, ACME);
  return readBudget(deps, ACME, record);
}

describe("the budget of a site", () => {
  it("has a row for every limit, and names what uses most of it", async () => {
    const world = newWorld();
    const rules = Array.from({ length: 30 }, (_, index) => `/s${index % 3}/a${index}/* /x/:splat 302`);
    await publish(
      openDeps(world),
      {
        "index.html": "one",
        "a-rather-long-name.html": "two",
        "x.css": "p{}",
        _redirects: `/old https://example.net/${"l".repeat(100)}\n/p/* /q/:splat\n${rules.join("\n")}\n`,
        _headers: "/x.css\n  X-One: 1\n  X-Two: 2\n",
      },
      [HOST],
    );
    const rows = await budgetOfSite(world);
    const find = (what: string, unit?: string) =>
      rows.filter((row) => row.what === what && (unit === undefined || row.unit === unit));
    expect(find("config metadata")).toEqual([
      { what: "config metadata", where: HOST, used: expect.any(Number), limit: 2_000, unit: "bytes" },
    ]);
    expect(find("rule slots")[0]).toMatchObject({ limit: 24 });
    const [bucket] = find("rules of a bucket");
    expect(bucket?.where).toMatch(/^bucket [0-9a-f]{4}, from "302 \/s\d\/a\d+\/\* /);
    // Those of its segment, and the rule for all.
    expect(bucket).toMatchObject({ used: 10, limit: 24 });
    expect(find("metadata of a bucket")[0]).toMatchObject({ where: bucket?.where, limit: 2_000 });
    expect(find("delta list", "entries")[0]).toMatchObject({ used: 0 });
    expect(find("response headers")[0]).toMatchObject({ where: "x.css", limit: 85 });
    expect(find("storage key")[0]?.where).toBe("a-rather-long-name.html");
    expect(find("request path")[0]).toMatchObject({ used: 24, limit: 900 });
    expect(find("location")[0]).toMatchObject({ where: "old.html", used: 120 });
    expect(find("restarts")).toEqual([
      { what: "restarts", where: "config, rule bucket, last answer", used: 3, limit: 3, unit: "restarts" },
    ]);
    expect(find("workspace")[0]).toMatchObject({ limit: 262_144 });
    const [tightest] = tightestFirst(rows);
    expect(tightest && budgetText(tightest)).toBe(
      "restarts: 3 of 3 restarts (config, rule bucket, last answer)",
    );
  });

  it("counts what a delta list takes and leaves", async () => {
    const world = newWorld();
    const files = { "index.html": "one", "about.html": "about", "news.html": "news" };
    await publish(openDeps(world), files, [HOST]);
    await publish(openDeps(world), { ...files, "about.html": "changed" });
    const [bytes, entries] = (await budgetOfSite(world)).filter(({ what }) => what === "delta list");
    expect(bytes).toMatchObject({ where: HOST, used: "30:abc=2".length });
    expect(entries).toMatchObject({ used: 1 });
    expect(entries?.limit).toBeGreaterThan(500);
  });

  it("is over where requests could exhaust the edge's memory: nothing is uploaded, the rule's line is named", async () => {
    const world = newWorld();
    const line = (index: number): string => `/:a/${index} x=:x y=:y /:a/:x/:y/:x/:y 200!`;
    const rules = Array.from({ length: 24 }, (_, index) => line(index)).join("\n");
    const failure = publish(openDeps(world), { "index.html": "one", _redirects: `${rules}\n` }, [HOST]);
    await expect(failure).rejects.toMatchObject({
      code: "publish/over-budget",
      details: [
        expect.stringMatching(/^workspace: \d+ of 262144 bytes \(most by the rule .*_redirects:\d+\)\)$/),
      ],
    });
    expect(world.hosting.size).toBe(0);
    expect(world.config.size).toBe(0);
  });
});
