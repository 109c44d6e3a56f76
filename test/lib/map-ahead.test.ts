import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";

import { mapAhead } from "../../src/lib/map-ahead.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

describe("mapAhead", () => {
  property.prop([fc.scheduler(), fc.array(fc.nat()), fc.integer({ min: 1, max: 5 })])(
    "keeps the order and its limit, in whatever order the calls end",
    async (scheduler, items, limit) => {
      let running = 0;
      let most = 0;
      const map = async (item: number): Promise<number> => {
        most = Math.max(most, ++running);
        await scheduler.schedule(Promise.resolve());
        running -= 1;
        return item * 2;
      };
      const all = await scheduler.waitFor(collect(mapAhead(items, limit, map)));
      expect(all).toEqual(items.map((item) => item * 2));
      expect(most).toBeLessThanOrEqual(limit);
      expect(most).toBe(Math.min(limit, items.length));
    },
  );

  it("throws a failure when its turn comes, after what comes before it", async () => {
    const seen: number[] = [];
    const failing = async (): Promise<void> => {
      const map = (item: number): Promise<number> =>
        item === 2 ? Promise.reject(new Error("two")) : Promise.resolve(item);
      for await (const item of mapAhead([0, 1, 2, 3], 4, map)) seen.push(item);
    };
    await expect(failing()).rejects.toThrow("two");
    expect(seen).toEqual([0, 1]);
  });
});
