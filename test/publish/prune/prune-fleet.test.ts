import { describe, expect, it } from "vitest";

import { pruneFleet } from "../../../src/publish/prune/prune-fleet.ts";
import { ACME, visible } from "../publish-fixture.ts";
import { DAY, History, NOW, WWW } from "./history.ts";

describe("pruning all sites", () => {
  it("goes on past a site that cannot be read and finds what has no record", async () => {
    const history = new History();
    await history.publish({ "index.html": "one" });
    history.world.config.set("test/production/_sites/broken.json", {
      ...objectOf("{}"),
      metadata: {},
    });
    history.world.hosting.set("test/production/gone/1/index.html", objectOf("stray"));
    await history.pass(2 * DAY);
    const outcomes = [];
    for await (const outcome of pruneFleet(history.deps(), NOW)) outcomes.push(outcome);
    expect(outcomes).toMatchObject([
      { kind: "pruned", report: { site: "acme" } },
      {
        kind: "failed",
        ref: { site: "broken" },
        problem: expect.stringContaining("site/unreadable") as string,
      },
      { kind: "pruned", report: { site: "gone", objects: 1 } },
    ]);
    expect([...history.world.hosting.keys()]).toEqual(["test/production/acme/1/index.html"]);
  });

  it("takes no site that a host shows for one that never was, though its record is lost", async () => {
    const history = new History();
    await history.publish({ "index.html": "one" });
    await history.pass(40 * DAY);
    history.world.config.delete("test/production/_sites/acme.json");
    const outcomes = [];
    for await (const outcome of pruneFleet(history.deps(), NOW)) outcomes.push(outcome);
    expect(outcomes).toMatchObject([
      { kind: "failed", ref: ACME, problem: expect.stringContaining(`the config of "${WWW}"`) as string },
    ]);
    expect(visible(history.world, WWW)).toEqual({ "index.html": "one" });
  });
});

function objectOf(text: string) {
  const body = Buffer.from(text);
  return { etag: '"x"', metadata: {}, headers: {}, size: body.length, body, modifiedAt: 0 };
}
