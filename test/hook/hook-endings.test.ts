import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { SitefleetError } from "../../src/lib/errors.ts";
import { newWorld, openDeps, recordOf, visible } from "../publish/publish-fixture.ts";
import { FaultPoint, PlannedFailure } from "../support/fault-point.ts";
import { FakeClock } from "../support/fake-clock.ts";
import {
  GZIP,
  KEY,
  aborted,
  closeAtOnce,
  json,
  publishSite,
  sha256,
  siteTarball,
  startTestHook,
} from "./hook-fixture.ts";

describe("an endpoint that ends", () => {
  it("has one process at a time for a folder", async () => {
    const test = await startTestHook();
    await expect(startTestHook({ stateDir: test.stateDir })).rejects.toMatchObject({
      code: "hook/already-running",
    });
    const port = Number(new URL(test.hook.url).port);
    await expect(startTestHook({ port })).rejects.toMatchObject({ code: "hook/port-in-use" });
    await expect(startTestHook({ host: "192.0.2.1" })).rejects.toMatchObject({ code: "hook/port-in-use" });
  });

  it("finishes by its next start what it was killed in, at whatever call that was", async () => {
    for (let call = 1, isOver = false; !isOver; call += 4) {
      const world = newWorld();
      const faults = new DyingProcess(call);
      const test = await startTestHook({
        world,
        openSession: (signal) =>
          Promise.resolve({ deps: openDeps(world, { signal, faults }), close: () => Promise.resolve() }),
      });
      const target = "/v1/sites/acme/publish?domain=www.acme.com";
      const { headers } = await test.call("POST", target, { body: siteTarball("one"), type: GZIP });
      const job = String(headers["location"]);
      while (!faults.isDead && !isOver) isOver = (await test.call("GET", job)).body["state"] === "done";
      const closing = closeAtOnce(test.hook, test.clock);
      await new Promise((resolve) => setImmediate(resolve));
      faults.bury();
      await closing;
      const next = await startTestHook({ world, clock: test.clock, stateDir: test.stateDir });
      const state = async () => (await next.call("GET", job)).body;
      while (!["done", "failed"].includes(String((await state())["state"])));
      expect(await state()).toMatchObject({ state: "done", attempts: isOver ? 1 : 2 });
      expect(visible(world, "www.acme.com")).toMatchObject({ "index.html": "one" });
      expect(recordOf(world).owed).toEqual([]);
      await closeAtOnce(next.hook, next.clock);
    }
  });

  it("sends what is owed when it starts and every minute", async () => {
    const world = newWorld();
    const clock = new FakeClock();
    const deps = openDeps(world);
    const owed = (age: number, name: string) =>
      deps.store.config.put({
        key: `test/_owed/${name}.json`,
        body: JSON.stringify({
          format: 2,
          keys: [`k:${name}`],
          soft: false,
          reason: "test",
          since: new Date(clock.now() - age).toISOString(),
          sent: 0,
        }),
        signal: deps.signal,
      });
    const count = (): number => [...world.config.keys()].filter((key) => key.includes("_owed")).length;
    await owed(0, "young");
    const { warnings } = await startTestHook({ world, clock });
    while (count() > 0 || clock.sleeping === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(world.events).toEqual(["purge k:young", "purge k:young"]);
    await owed(3_600_000, "old");
    clock.advance(60_000);
    while (count() > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(world.events.slice(2)).toEqual(["purge k:old", "purge k:old"]);
    expect(warnings).toEqual([]);
  });

  it("goes on when what is owed cannot be sent", async () => {
    const failure = new SitefleetError("store/unreachable", "the store is down");
    let isDown = true;
    const world = newWorld();
    const test = await startTestHook({
      world,
      openSession: (signal) =>
        isDown
          ? Promise.reject(failure)
          : Promise.resolve({ deps: openDeps(world, { signal }), close: () => Promise.resolve() }),
    });
    while (test.warnings.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(test.warnings).toEqual(["what is owed could not be sent: the store is down"]);
    const reply = await test.callAndWait("POST", "/v1/purges", json({ site: "acme" }));
    expect(reply.body).toMatchObject({ status: 502, code: "store/unreachable" });
    isDown = false;
    expect((await test.callAndWait("POST", "/v1/purges", json({ site: "acme" }))).status).toBe(200);
  });

  it("keeps no secret in its files", async () => {
    const test = await startTestHook();
    await publishSite(test, "one");
    await test.hook.close();
    const folder = join(test.stateDir, "hook", "test");
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const text = await readFile(join(entry.parentPath, entry.name), "utf8");
      expect(text).not.toContain(KEY.secret.reveal());
      expect(text).not.toContain(sha256(KEY.secret.reveal()));
    }
  });
});

/** A process that stands still from a call on, whose answer it never gets, until it is buried. */
class DyingProcess extends FaultPoint {
  isDead = false;
  readonly #burial = new AbortController();

  constructor(call: number) {
    super();
    this.failAt(call, "after");
  }

  override async run<T>(name: string, effect: () => Promise<T> | T): Promise<T> {
    try {
      return await super.run(name, effect);
    } catch (error) {
      if (!(error instanceof PlannedFailure)) throw error;
      this.isDead = true;
      if (!this.#burial.signal.aborted) return aborted(this.#burial.signal);
      throw error;
    }
  }

  bury(): void {
    this.#burial.abort();
  }
}
