import { describe, expect, it } from "vitest";

import { pruneSite } from "../../../src/publish/prune/prune.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import type { PublishReport } from "../../../src/publish/publish.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { FaultPoint } from "../../support/fault-point.ts";
import { ACME, copyWorld, folder, recordOf, visible } from "../publish-fixture.ts";
import { DAY, History, NOW, WWW } from "./history.ts";

const FILES = { "index.html": "one", "a.html": "a", "old.html": "old" };
const BACK = { "index.html": "three", "a.html": "a", "old.html": "back" };

/** A site whose third release reads from the prefix of the first, where a page lies that it has removed. */
async function historyWithLeftover(): Promise<History> {
  const history = new History();
  const { "old.html": _, ...rest } = FILES;
  await history.publish(FILES);
  for (const text of ["two", "three"]) await history.publish({ ...rest, "index.html": text });
  await history.pass(2 * DAY);
  return history;
}

/** Brings the removed page back by overwriting. */
async function bringBack(deps: PublishDeps): Promise<PublishReport> {
  return publishFolder(deps, { ...ACME, dir: await folder(BACK), domains: [], inPlace: true });
}

/** Does something else when a call is about to be made, when all that comes before it is decided. */
class Interruption extends FaultPoint {
  readonly #due: (name: string, number: number) => boolean;
  readonly #work: () => Promise<unknown>;
  happened = false;

  constructor(due: (name: string, number: number) => boolean, work: () => Promise<unknown>) {
    super();
    this.#due = due;
    this.#work = work;
  }

  override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
    if (!this.happened && this.#due(name, this.calls.length + 1)) {
      this.happened = true;
      await this.#work();
    }
    return super.run(name, effect);
  }
}

describe("a prune beside publishing in place", () => {
  it("stops before it deletes anything of a site that has changed since its record was read", async () => {
    const history = await historyWithLeftover();
    const isListing = (name: string): boolean => name === "list test/production/acme/1/";
    const faults = new Interruption(isListing, () => bringBack(history.deps()));
    await expect(pruneSite(history.deps(faults), ACME, NOW)).rejects.toMatchObject({
      code: "site/changed-meanwhile",
    });
    expect(faults.calls.filter((call) => call.startsWith("delete"))).toEqual([]);
    expect(visible(history.world, WWW)).toEqual(BACK);
  });

  it("deletes no page that comes back between its look at the record and the call that deletes", async () => {
    const history = await historyWithLeftover();
    const isDeleting = (name: string): boolean => name.startsWith("delete-many test/production/acme/1/");
    let report: PublishReport | undefined;
    const faults = new Interruption(isDeleting, async () => {
      report = await bringBack(history.deps());
    });
    await pruneSite(history.deps(faults), ACME, NOW).catch(() => undefined);
    expect(faults.happened).toBe(true);
    // Where it lay it would have been deleted by its name.
    expect(report).toMatchObject({ release: "4", written: { kind: "delta" } });
    expect(visible(history.world, WWW)).toEqual(BACK);
  });

  it("overwrites where a release that is remembered has its objects: nothing of it is being deleted", async () => {
    const history = await historyWithLeftover();
    expect(await bringBack(history.deps())).toMatchObject({ release: "3", written: { kind: "in-place" } });
    expect(history.hosting()).toContain("1/old.html");
    await history.pass(2 * DAY);
    await pruneSite(history.deps(), ACME, NOW);
    expect(visible(history.world, WWW)).toEqual(BACK);
  });

  it("loses nothing of either, whatever call of one the other comes between", async () => {
    const start = await historyWithLeftover();
    const prune = (deps: PublishDeps): Promise<unknown> => pruneSite(deps, ACME, NOW);
    for (const [outer, inner] of [
      [prune, bringBack],
      [bringBack, prune],
    ] as const) {
      for (let call = 1; ; call += 1) {
        const history = new History(start.clock, copyWorld(start.world));
        const faults = new Interruption(
          (_, number) => number === call,
          () => inner(history.deps()).catch(onlyOvertaken),
        );
        await outer(history.deps(faults)).catch(onlyOvertaken);
        if (!faults.happened) break;
        // Whoever was overtaken is run again, as its exit code asks for.
        await bringBack(history.deps());
        expect(visible(history.world, WWW), `call ${call}`).toEqual(BACK);
        await prune(history.deps());
        expect(visible(history.world, WWW), `call ${call}, pruned`).toEqual(BACK);
        expect(recordOf(history.world).owed).toEqual([]);
      }
    }
  });
});

function onlyOvertaken(error: unknown): void {
  expect(error).toMatchObject({ code: "site/changed-meanwhile", exitCode: 6 });
}
