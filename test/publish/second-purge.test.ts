import { describe, expect, it } from "vitest";

import { publishFolder } from "../../src/publish/publish.ts";
import { settleOwed } from "../../src/publish/purging.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { ACME, folder, openDeps, publish, recordOf, visible } from "./publish-fixture.ts";
import { SHOP, V2, WWW, published } from "./two-editions.ts";

/** A publish's purge: of all configs of the site, by its key and by those of its domains. */
const PURGE = `purge c:acme d:${SHOP} d:${WWW}`;

describe("a release that goes live", () => {
  it("says when it is live, and is purged again after that", async () => {
    const world = await published();
    const clock = new InstantClock();
    const steps: string[] = [];
    const deps = {
      ...openDeps(world),
      clock,
      onProgress: ({ step }: { readonly step: string }) => void steps.push(step),
    };
    const report = await publish(deps, V2);
    expect(report.liveAt).toBe("2026-01-01T00:00:00.000Z");
    expect(steps.slice(-3)).toEqual(["committed", "configs written, purging", "live"]);
    expect(clock.slept).toEqual([2_000]);
    expect(world.events).toEqual([`config ${SHOP}`, `config ${WWW}`, PURGE, PURGE]);
  });

  it("can be left when it is live; whoever comes next purges again", async () => {
    const world = await published();
    const clock = new InstantClock();
    const request = { ...ACME, dir: await folder(V2), domains: [], wait: false };
    await publishFolder({ ...openDeps(world), clock }, request);
    expect(clock.slept).toEqual([]);
    expect(visible(world, WWW)).toEqual(V2);
    expect(recordOf(world).owed).toMatchObject([{ keys: ["c:acme"], sent: 1 }]);
    await settleOwed(openDeps(world));
    expect(recordOf(world).owed).toEqual([]);
    expect(world.events.filter((event) => event === PURGE).length).toBeGreaterThanOrEqual(2);
  });

  it("is paid off by one pass of a later run, and never by two passes in a hurry", async () => {
    const world = await published();
    const clock = new InstantClock();
    const deps = { ...openDeps(world), clock };
    const request = { ...ACME, dir: await folder(V2), domains: [], wait: false };
    await publishFolder(deps, request);
    const sentAt = "2026-01-01T00:00:00.000Z";
    expect(recordOf(world).owed).toMatchObject([{ sent: 1, sentAt }]);
    await clock.sleep(1_900);
    await publishFolder(deps, request);
    expect(recordOf(world).owed).toMatchObject([{ sent: 2, sentAt }]);
    await clock.sleep(2_100);
    const purges = (): number => world.events.filter((event) => event === PURGE).length;
    const before = purges();
    expect(await publishFolder(deps, request)).toMatchObject({ kind: "unchanged" });
    expect(recordOf(world).owed).toEqual([]);
    expect(purges()).toBe(before + 1);
    const { revision } = recordOf(world);
    await publishFolder(deps, request);
    expect({ revision: recordOf(world).revision, purges: purges() }).toEqual({
      revision,
      purges: before + 1,
    });
  });

  it("is not waited for a second time when an earlier run has sent it", async () => {
    const world = await published();
    const clock = new InstantClock();
    const deps = { ...openDeps(world), clock };
    const request = { ...ACME, dir: await folder(V2), domains: [] };
    await publishFolder(deps, { ...request, wait: false });
    await clock.sleep(60_000);
    await publishFolder(deps, request);
    expect(clock.slept).toEqual([60_000]);
    expect(recordOf(world).owed).toEqual([]);
  });

  it("is told to be committed when only its purge failed", async () => {
    const world = await published();
    const deps = openDeps(world);
    const purgeKeys = (): Promise<void> =>
      Promise.reject(new SitefleetError("fastly/unavailable", "the API is down", { hint: "wait" }));
    const failed = publish({ ...deps, purge: { ...deps.purge, purgeKeys } }, V2);
    await expect(failed).rejects.toMatchObject({
      code: "fastly/unavailable",
      message: 'the change of site "acme" is committed, but finishing it failed: the API is down',
      hint: expect.stringContaining("done by the next command on the site") as string,
    });
    expect(await publish(openDeps(world), V2)).toMatchObject({ kind: "unchanged", release: "2" });
    expect(recordOf(world).owed).toEqual([]);
  });
});
