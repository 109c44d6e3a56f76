import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect } from "vitest";

import { publishFolder } from "../../../src/publish/publish.ts";
import type { PublishReport } from "../../../src/publish/publish.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import { ACME, folder, newWorld, openDeps, publish, recordOf, visible } from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";

const WWW = "www.example.com";

/** An edition of the site: a style, pages that need it, and a page that the other editions do not have. */
function edition(name: string): Readonly<Record<string, string>> {
  return {
    "app.css": name,
    "index.html": name,
    "about.html": name,
    [`${name}.html`]: name,
    "404.html": "no",
  };
}

const OLD = edition("old");
const EDITIONS = [edition("red"), edition("blue")] as const;

/** Lets each call happen when its turn comes, and looks at what visitors see after it. */
class Turns extends FaultPoint {
  readonly #scheduler: fc.Scheduler;
  readonly #look: () => void;

  constructor(scheduler: fc.Scheduler, look: () => void) {
    super();
    this.#scheduler = scheduler;
    this.#look = look;
  }

  override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
    await this.#scheduler.schedule(Promise.resolve(), name);
    const result = await super.run(name, effect);
    this.#look();
    return result;
  }
}

/** What publishing in place promises for every moment: no page of an edition before its style, none removed before them. */
function expectOrder(world: World): void {
  const seen = visible(world, WWW) ?? {};
  const pages = new Set([seen["index.html"], seen["about.html"]]);
  if (seen["app.css"] === "old") expect(pages).toEqual(new Set(["old"]));
  if (seen["old.html"] === undefined) expect(pages).not.toContain("old");
  expect(seen["404.html"]).toBe("no");
}

describe("two publishers in place at one time", () => {
  test.prop({ scheduler: fc.scheduler() }, { numRuns: 60 })(
    "let one of them win, whose content is shown whole; the other exits 6",
    async ({ scheduler }) => {
      const world = newWorld();
      await publish(openDeps(world), OLD, [WWW]);
      const running = EDITIONS.map(async (files): Promise<PublishReport> => {
        const dir = await folder(files);
        const faults = new Turns(scheduler, () => expectOrder(world));
        return publishFolder(openDeps(world, { faults }), { ...ACME, dir, domains: [], inPlace: true });
      });
      const outcomes = await scheduler.waitFor(Promise.allSettled(running));
      const winners = outcomes.flatMap(({ status }, index) =>
        status === "fulfilled" ? [EDITIONS[index]] : [],
      );
      expect(winners.length).toBeGreaterThan(0);
      for (const outcome of outcomes) {
        if (outcome.status === "rejected") {
          expect(outcome.reason).toMatchObject({ code: "site/changed-meanwhile", exitCode: 6 });
        }
      }
      expect(winners).toContainEqual(visible(world, WWW));
      expect(recordOf(world).owed).toEqual([]);
    },
  );
});
