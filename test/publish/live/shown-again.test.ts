import { describe, expect, it } from "vitest";

import { promotePreview } from "../../../src/publish/previews/promote.ts";
import { promoteSite } from "../../../src/publish/previews/promote-site.ts";
import { publishFolder } from "../../../src/publish/publish.ts";
import type { PublishDeps } from "../../../src/publish/publish-deps.ts";
import { rollBack } from "../../../src/publish/release/rollback.ts";
import type { ShowWishes } from "../../../src/publish/release/rollback.ts";
import { ACME, folder, newWorld, openDeps, publish, recordOf } from "../publish-fixture.ts";
import type { World } from "../publish-fixture.ts";
import { edgeOf } from "./shown-edge.ts";

const HOST = "www.example.com";
const V1 = { "index.html": "one", "about.html": "about", "app.css": "p{}" };
const STAGING = { site: "acme", siteEnv: "staging" };

/** A site that can be rolled back, and whose preview and staging environment can be promoted. */
async function published(): Promise<World> {
  const world = newWorld();
  await publish(openDeps(world), V1, [HOST]);
  await publish(openDeps(world), { ...V1, "index.html": "two" });
  const other = { dir: await folder({ ...V1, "index.html": "three" }), domains: [] };
  await publishFolder(openDeps(world), { ...ACME, ...other, preview: { name: "pr-1" } });
  await publishFolder(openDeps(world), { ...STAGING, ...other });
  world.events.length = 0;
  return world;
}

type Show = (deps: PublishDeps, wishes: ShowWishes) => Promise<{ readonly release: string | null }>;
const WAYS: readonly (readonly [string, Show])[] = [
  ["a roll back", (deps, wishes) => rollBack(deps, ACME, wishes)],
  ["the promotion of a preview", (deps, wishes) => promotePreview(deps, ACME, { name: "pr-1", ...wishes })],
  ["the promotion of staging", (deps, wishes) => promoteSite(deps, ACME, { from: "staging", ...wishes })],
];

describe.each(WAYS)("%s", (_, show) => {
  it("requests what visitors get from another place once", async () => {
    const world = await published();
    const edge = edgeOf(world);
    const report = await show({ ...openDeps(world), edge }, {});
    expect(edge.visits).toContain(`${HOST}/`);
    expect(edge.visits.filter((path) => path.includes("about"))).toEqual([]);
    expect(report).toMatchObject({ warm: { failed: 0 } });
    const cold = edgeOf(await published());
    await show({ ...openDeps(await published()), edge: cold }, { warm: false });
    expect(cold.visits).toEqual([]);
  });

  it("is verified when that is asked for, with a receipt, and purged twice", async () => {
    const world = await published();
    const edge = edgeOf(world);
    const report = await show({ ...openDeps(world), edge }, { verify: { timeoutMs: 5_000 } });
    expect(report).toMatchObject({
      release: recordOf(world).current,
      receipt: {
        verified: true,
        release: recordOf(world).current,
        previous: "2",
        hosts: { serving: 1, probed: 1 },
      },
    });
    expect(world.events.filter((event) => event.startsWith("purge c:acme"))).toHaveLength(2);
    expect(recordOf(world).owed).toEqual([]);
  });

  it("fails when the edge goes on showing something else, and leaves the purge owed", async () => {
    const world = await published();
    const edge = edgeOf(world, (seen) => ({ ...seen, release: "2" }));
    const attempt = show({ ...openDeps(world), edge }, { verify: { timeoutMs: 5_000 } });
    await expect(attempt).rejects.toMatchObject({ code: "publish/not-verified", exitCode: 5 });
    expect(recordOf(world).current).not.toBe("2");
    expect(recordOf(world).owed).toHaveLength(1);
  });

  it("changes nothing when it cannot be verified", async () => {
    const world = await published();
    const before = recordOf(world);
    const verify = { timeoutMs: 5_000 };
    await expect(show(openDeps(world), { verify })).rejects.toMatchObject({ code: "settings/invalid" });
    const edge = edgeOf(world);
    await expect(show({ ...openDeps(world), edge }, { verify, wait: false })).rejects.toMatchObject({
      code: "cli/usage",
    });
    expect(recordOf(world)).toEqual(before);
  });

  it("ends when it is live where nobody waits", async () => {
    const world = await published();
    await show(openDeps(world), { wait: false });
    expect(recordOf(world).owed).toMatchObject([{ sent: 1 }]);
    expect(world.events.filter((event) => event.startsWith("purge"))).toHaveLength(1);
  });
});
