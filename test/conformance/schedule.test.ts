import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { get } from "../../src/conformance/case.ts";
import type { Step } from "../../src/conformance/case.ts";
import { putSite } from "../../src/conformance/raw-site.ts";
import { areApart, footprintOf, runScheduled } from "../../src/conformance/schedule.ts";
import type { Footprint } from "../../src/conformance/schedule.ts";

function steps(...given: readonly Step[]): Footprint {
  return footprintOf({ steps: given });
}

const look = (host: string): Step => get(host, "/", { status: 200 });
const put = (host: string, site = host): Step => putSite({ host, site, config: {}, objects: {} });

/** Items that say when they begin and end, and end in the order in which they are let go. */
class Course {
  readonly events: string[] = [];
  running = 0;
  most = 0;

  async run(name: string, turns: number): Promise<void> {
    this.events.push(`+${name}`);
    this.running += 1;
    this.most = Math.max(this.most, this.running);
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    this.running -= 1;
    this.events.push(`-${name}`);
  }

  /** Whether one ended before the other began. */
  isBefore(first: string, second: string): boolean {
    return this.events.indexOf(`-${first}`) < this.events.indexOf(`+${second}`);
  }
}

describe("cases side by side", () => {
  test("Cases that only look run beside each other, and beside one that changes another host", () => {
    expect(areApart(steps(look("main")), steps(look("main")))).toBe(false);
    expect(areApart(steps(look("main")), steps(put("raw"), look("raw")))).toBe(false);
    expect(areApart(steps(put("raw")), steps(put("other")))).toBe(false);
  });

  test("What changes a host or a site runs apart from who looks at it or changes it", () => {
    expect(areApart(steps(put("raw")), steps(look("raw")))).toBe(true);
    expect(areApart(steps(look("raw")), steps(put("raw")))).toBe(true);
    expect(areApart(steps(put("raw", "site")), steps(put("other", "site")))).toBe(true);
    const config: Step = { act: { do: "put-config", host: "raw", metadata: {} } };
    expect(areApart(steps(config), steps(look("raw")))).toBe(true);
  });

  test.each<Step>([
    { act: { do: "publish", site: "sf-verify-main", files: {} } },
    { act: { do: "add-domain", site: "sf-verify-main", host: "late" } },
    { act: { do: "remove-domain", host: "late" } },
    { act: { do: "origin", location: "first", answer: "refuse" } },
    { act: { do: "expire-pages" } },
    { act: { do: "wait", seconds: 1 } },
    { act: { do: "purge-all" } },
    { log: { path: "/" } },
  ])("What every case might see runs alone: %j", (step) => {
    expect(areApart(steps(step), steps(look("main")))).toBe(true);
    expect(areApart(steps(look("main")), steps(step))).toBe(true);
  });

  test("Any cases run once each, no more at a time than there may be, and apart in their order", async () => {
    const names = fc.subarray(["a", "b", "c"]).map((list) => new Set(list));
    const footprint = fc.record({
      isAlone: fc.boolean(),
      writes: names,
      reads: names,
    });
    const item = fc.record({ footprint, turns: fc.nat(5) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(item, { maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        async (items, limit) => {
          const course = new Course();
          await runScheduled(items, { limit, footprint: (one) => one.footprint }, ({ turns }, index) =>
            course.run(String(index), turns),
          );
          expect(course.events.length).toBe(items.length * 2);
          expect(course.most).toBeLessThanOrEqual(limit);
          for (const [second, later] of items.entries()) {
            for (const [first, earlier] of items.slice(0, second).entries()) {
              if (areApart(earlier.footprint, later.footprint))
                expect(course.isBefore(String(first), String(second))).toBe(true);
            }
          }
        },
      ),
    );
  });

  test("As many run at a time as there may be", async () => {
    const course = new Course();
    const footprint = (): Footprint => steps(look("main"));
    await runScheduled([1, 2, 3, 4, 5], { limit: 3, footprint }, (item) => course.run(String(item), 9));
    expect(course.most).toBe(3);
  });

  test("Nothing is begun after one has thrown, and what runs ends before that is told", async () => {
    const course = new Course();
    const footprint = (): Footprint => steps(look("main"));
    const done = runScheduled([1, 2, 3, 4], { limit: 2, footprint }, async (item) => {
      await course.run(String(item), item === 2 ? 9 : 1);
      if (item === 1) throw new Error("broken");
    });
    await expect(done).rejects.toThrow("broken");
    expect(course.events).toEqual(["+1", "+2", "-1", "-2"]);
  });
});
