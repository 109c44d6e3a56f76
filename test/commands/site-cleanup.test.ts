import { expect, it } from "vitest";

import { createReport } from "../../src/commands/report.ts";
import { writePruned } from "../../src/commands/site-cleanup.ts";
import type { PruneOutcome } from "../../src/publish/prune/prune-fleet.ts";

function pruned(site: string, objects: number): PruneOutcome {
  const ref = { site, siteEnv: "production" };
  const report = {
    ...ref,
    objects,
    bytes: 10 * objects,
    releases: [],
    previews: [],
    kept: 1,
    state: "pruned",
  } as const;
  return { kind: "pruned", report };
}

const FAILED: PruneOutcome = {
  kind: "failed",
  ref: { site: "broken", siteEnv: "production" },
  problem: "cannot be read [site/unreadable]",
};

it.each([true, false])(
  "a prune of all sites writes each as it is done and keeps none (JSON: %s)",
  async (json) => {
    let out = "";
    let err = "";
    const report = createReport(
      (text) => void (out += text),
      (text) => void (err += text),
      { json },
    );
    const sizes: number[] = [];
    async function* outcomes(): AsyncGenerator<PruneOutcome> {
      for (const outcome of [pruned("a", 2), FAILED, pruned("b", 0), pruned("c", 3)]) {
        sizes.push(out.length);
        yield await Promise.resolve(outcome);
      }
    }
    expect(await writePruned(report, outcomes())).toBe(1);
    expect(sizes.slice(1).map((size, index) => size > (sizes[index] ?? 0))).toEqual([true, true, false]);
    if (json) {
      expect(JSON.parse(out)).toMatchObject([
        { site: "a", state: "pruned", objects: 2 },
        { site: "broken", state: "failed", problem: "cannot be read [site/unreadable]" },
        { site: "c", state: "pruned", objects: 3 },
      ]);
    } else {
      expect(out.split("\n")).toEqual([
        "a (production): no release removed, 1 kept; 2 objects, 20 bytes deleted",
        "broken (production): failed: cannot be read [site/unreadable]",
        "c (production): no release removed, 1 kept; 3 objects, 30 bytes deleted",
        "",
      ]);
    }
    expect(err).toContain("3 sites pruned: 0 releases, 5 objects, 50 bytes; 1 site failed");
  },
);

it("a prune of all sites says so when there was nothing to delete", async () => {
  let out = "";
  const report = createReport(
    (text) => void (out += text),
    () => undefined,
    { json: false },
  );
  async function* outcomes(): AsyncGenerator<PruneOutcome> {
    yield await Promise.resolve(pruned("a", 0));
  }
  expect(await writePruned(report, outcomes())).toBe(0);
  expect(out).toBe("nothing is left to prune\n");
});
