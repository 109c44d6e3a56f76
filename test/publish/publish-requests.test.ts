import { describe, expect, it } from "vitest";

import { publishFolder } from "../../src/publish/publish.ts";
import { ACME, configOf, folder, newWorld, openDeps, publish, visible, without } from "./publish-fixture.ts";
import { SHOP, V1, V2, WWW, hostingWrites, published, requestsOf } from "./two-editions.ts";

const FIVE = ["a", "b", "c", "d", "e"].map((name) => `${name}.example.com`);

describe("the requests of a publish", () => {
  it("are one for each file and a handful more the first time", async () => {
    const deps = openDeps(newWorld());
    await publish(deps, V1, [WWW]);
    expect(requestsOf(deps).length).toBeLessThanOrEqual(Object.keys(V1).length + 6 + 1);
  });

  it("are one for each new domain, however many come at once", async () => {
    const deps = openDeps(newWorld());
    await publish(deps, V1, FIVE);
    expect(requestsOf(deps).length).toBeLessThanOrEqual(Object.keys(V1).length + 6 + FIVE.length);
    expect(requestsOf(deps).filter((call) => call.startsWith("head"))).toHaveLength(1);
  });

  it("are six and one for each domain when one file changed", async () => {
    const deps = openDeps(await published());
    await publish(deps, V2);
    expect(requestsOf(deps)).toEqual([
      "get _sites/acme.json",
      "get _sites/acme/releases/1.jsonl",
      "put _sites/acme/releases/2.jsonl",
      "put acme/2/index.html",
      "put _sites/acme.json",
      `put ${SHOP}/s3cret`,
      `put ${WWW}/s3cret`,
      "put _sites/acme.json",
    ]);
  });

  it("are one when nothing changed", async () => {
    const deps = openDeps(await published());
    expect(await publish(deps, V1)).toMatchObject({ kind: "unchanged" });
    expect(requestsOf(deps)).toEqual(["get _sites/acme.json"]);
  });

  it("send no bytes of a file that moved or whose headers changed", async () => {
    const deps = openDeps(await published());
    const moved = { ...without(V1, "news.html"), "assets/x.3f2a9b1c.css": "p{}", "journal.html": "news" };
    expect(await publish(deps, moved)).toMatchObject({ written: { kind: "delta", uploaded: 0, copied: 2 } });
    expect(hostingWrites(deps)).toEqual(["copy acme/2/assets/x.3f2a9b1c.css", "copy acme/2/journal.html"]);
  });

  it("send no bytes when a full release is wanted of what the store has", async () => {
    const world = await published();
    const deps = openDeps(world);
    const report = await publishFolder(deps, { ...ACME, dir: await folder(V1), domains: [], full: true });
    expect(report).toMatchObject({
      release: "2",
      written: { kind: "full", reason: "wanted", uploaded: 0, copied: 5 },
    });
    expect(configOf(world, WWW)).toMatchObject({ base: "2", delta: "" });
    expect(visible(world, WWW)).toEqual(V1);
  });
});
