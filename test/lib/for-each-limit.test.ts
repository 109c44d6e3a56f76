import { describe, expect, it } from "vitest";

import { forEachLimit } from "../../src/lib/for-each-limit.ts";

const { signal } = new AbortController();

/** Work that ends when told, in the order of `finish` calls. */
function gate() {
  const waiting: (() => void)[] = [];
  let most = 0;
  let running = 0;
  return {
    most: () => most,
    work: async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => waiting.push(resolve));
      running -= 1;
    },
    finishAll: async (total: number): Promise<void> => {
      for (let done = 0; done < total;) {
        const next = waiting.shift();
        if (next) {
          next();
          done += 1;
        }
        await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}

describe("forEachLimit", () => {
  it("runs as many at a time as it may", async () => {
    const { work, most, finishAll } = gate();
    await Promise.all([forEachLimit([1, 2, 3, 4, 5], { limit: 2, signal }, work), finishAll(5)]);
    expect(most()).toBe(2);
  });

  it("keeps to the budget and runs a heavier item alone", async () => {
    const { work, most, finishAll } = gate();
    const options = { limit: 10, budget: 5, weightOf: (weight: number) => weight, signal };
    await Promise.all([forEachLimit([3, 3, 9, 4], options, work), finishAll(4)]);
    expect(most()).toBe(1);
  });

  it("begins nothing after a failure and waits for what runs", async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const work = async (item: number): Promise<void> => {
      begun.push(item);
      await new Promise((resolve) => setImmediate(resolve));
      if (item === 1) throw new Error("one");
      await new Promise((resolve) => setImmediate(resolve));
      ended.push(item);
    };
    await expect(forEachLimit([1, 2, 3, 4], { limit: 2, signal }, work)).rejects.toThrow("one");
    expect([begun, ended]).toEqual([[1, 2], [2]]);
  });

  it("stops at an abort with the signal's reason", async () => {
    const controller = new AbortController();
    const reason = new Error("stop");
    const seen: number[] = [];
    const running = forEachLimit([1, 2, 3], { limit: 1, signal: controller.signal }, (item) => {
      seen.push(item);
      if (item === 2) controller.abort(reason);
      return Promise.resolve();
    });
    await expect(running).rejects.toBe(reason);
    expect(seen).toEqual([1, 2]);
  });

  it("throws what the source throws after waiting for what runs", async () => {
    const ended: number[] = [];
    async function* source(): AsyncGenerator<number> {
      yield await Promise.resolve(1);
      throw new Error("source");
    }
    const work = async (item: number): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      ended.push(item);
    };
    await expect(forEachLimit(source(), { limit: 2, signal }, work)).rejects.toThrow("source");
    expect(ended).toEqual([1]);
  });
});
