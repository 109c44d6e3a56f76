import { fc, test } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";
import { sampleSites } from "../../src/replay/sample.ts";
import { MadeSites } from "../support/made-sites.ts";

async function sample(count: number, wanted: number | "all"): Promise<readonly string[]> {
  const source = new MadeSites({ count, serverEnv: "test", segment: "segment" });
  const names: string[] = [];
  for await (const { site } of sampleSites(source, wanted)) names.push(site);
  return names;
}

describe("a sample of sites", () => {
  test.prop([fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 300 })])(
    "has as many as are wanted, or all, each once and in the order of the listing",
    async (count, wanted) => {
      const chosen = await sample(count, wanted);
      expect(chosen).toHaveLength(Math.min(count, wanted));
      const listed = await sample(count, "all");
      expect(chosen).toEqual(listed.filter((site) => chosen.includes(site)));
    },
  );

  it("is the same every time, and a part of every larger one", async () => {
    const few = await sample(1_000, 10);
    expect(await sample(1_000, 10)).toEqual(few);
    expect(await sample(1_000, 100)).toEqual(expect.arrayContaining([...few]));
    expect(few).not.toEqual((await sample(1_000, "all")).slice(0, 10));
  });
});
