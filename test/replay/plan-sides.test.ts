import { describe, expect, it } from "vitest";
import { desiredService } from "../../src/deploy/service/desired.ts";
import { renderService } from "../../src/render/render.ts";
import { plannedSide } from "../../src/replay/plan-sides.ts";
import type { SideVersion } from "../../src/replay/version-input.ts";
import { MadeSites } from "../support/made-sites.ts";
import { linesOf, replay, sideWith, testEnvironment } from "./replay-fixture.ts";

const environment = testEnvironment();
const desired = desiredService(environment, renderService(environment));

/** A snippet of somebody else's, as Fastly's API shows it. */
function snippet(content: string, dynamic = false): SideVersion["objects"] {
  const object = { name: "by hand", type: "deliver", priority: "100", content: dynamic ? null : content };
  return new Map([...sideWith().objects, ["snippets", [{ ...object, dynamic: dynamic ? "1" : "0" }]]]);
}

async function changesBetween(before: SideVersion, after: SideVersion): Promise<readonly string[]> {
  const work = linesOf([{ url: `https://${MadeSites.host(1)}/` }]);
  const { changes } = await replay(after, { before, count: 2, work });
  return changes.flatMap(({ differences }) =>
    differences.map(({ what, before: was, after: is }) => `${what}: ${was} -> ${is}`),
  );
}

describe("the objects of a version in a replay", () => {
  it("lets snippets act, versioned and dynamic ones", async () => {
    const versioned = { ...sideWith(), objects: snippet('set resp.http.X-Hand = "1";') };
    expect(await changesBetween(versioned, sideWith())).toEqual(["header x-hand: 1 -> "]);
    const dynamic = {
      ...sideWith(),
      objects: snippet("", true),
      dynamicSnippets: new Map([["by hand", 'set resp.http.X-Hand = "2";']]),
    };
    expect(await changesBetween(dynamic, sideWith())).toEqual(["header x-hand: 2 -> "]);
  });

  it("lets items of dictionaries and entries of ACLs act", async () => {
    const objects = new Map([
      ...snippet(
        'set resp.http.X-Hand = table.lookup(team, "a", "-") if(client.ip ~ office, " in", " out");',
      ),
      [
        "dictionaries",
        [...(sideWith().objects.get("dictionaries") ?? []), { name: "team", write_only: false }],
      ],
      ["acls", [{ name: "office" }]],
    ] as const);
    const inside = [{ ip: "198.51.100.0", subnet: 24, negated: false }];
    const side: SideVersion = {
      ...sideWith(),
      objects,
      dictionaries: new Map([...sideWith().dictionaries, ["team", new Map([["a", "b"]])]]),
      acls: new Map([["office", inside]]),
    };
    const outside = {
      ...side,
      acls: new Map([["office", [{ ip: "192.0.2.1", subnet: null, negated: false }]]]),
    };
    expect(await changesBetween(side, outside)).toEqual(["header x-hand: b in -> b out"]);
  });

  it("keeps what others made in the planned version, and takes away what the plan drops", async () => {
    const before = { ...sideWith(), objects: snippet('set resp.http.X-Hand = "1";') };
    expect(await changesBetween(before, plannedSide({ desired, drops: [] }, before))).toEqual([]);
    const drops = [{ kind: "snippet", name: "by hand" }];
    expect(await changesBetween(before, plannedSide({ desired, drops }, before))).toEqual([
      "header x-hand: 1 -> ",
    ]);
  });

  it("tells of a version that this engine cannot run, with what is wrong", async () => {
    const broken = {
      ...sideWith(),
      label: "version 7",
      objects: snippet("set resp.http.X-Hand = no_such();"),
    };
    await expect(changesBetween(broken, sideWith())).rejects.toMatchObject({
      code: "replay/invalid-vcl",
      message: "version 7 cannot be run in this engine",
    });
  });
});
