import { describe, expect, test } from "vitest";
import { storeOf } from "../../../src/deploy/compute/stores.ts";
import { readLive } from "../../../src/deploy/live/live.ts";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { deployerAt } from "../deploy-fixture.ts";
import { computeEnvironment, packageWith, wantedCompute } from "./compute-fixture.ts";

/**
 * Deploys, and dies before the `at`th write is done; says whether it got to the end before. Nothing gets through from then
 * on, so that dying with a write done whose answer is lost leaves what dying before the next one leaves.
 */
async function deployUntilKilled(
  api: ApiFixture,
  desired: DesiredService,
  at: number,
): Promise<"killed" | "finished"> {
  let writes = 0;
  let isDead = false;
  const proxy = await startFaultProxy(api.api.url, ({ method }) => {
    if (isDead) return "lost";
    if (method !== "GET") writes += 1;
    if (writes < at) return "pass";
    isDead = true;
    return "lost";
  });
  try {
    await deployerAt(proxy.url, { attempts: 1 }).deploy(desired);
  } catch (error) {
    if (!isDead) throw error;
  }
  return isDead ? "killed" : "finished";
}

const SECRETS = ["config_s3_key", "config_segment", "hosting_s3_key"];

/** What the edge of the mirror runs: version, package and the app's settings; nothing where no version is live. */
function servedBy({ edge }: ApiFixture) {
  const [service] = edge.compute.values();
  if (!service) return undefined;
  const { version, content } = service;
  const settings = content.configStores.get("sitefleet_settings")?.get(`settings-${version}`);
  const store = content.secretStores.get("sitefleet_private");
  const secrets = SECRETS.filter((name) => store?.get(name) !== undefined);
  return { filesHash: content.package.filesHash, settings, secrets };
}

function servedOf({ content }: DesiredService) {
  const { compute } = content;
  return { filesHash: compute?.package?.filesHash, settings: compute?.settings, secrets: SECRETS };
}

/** The next run: it ends right, and leaves no version, store or link too many. */
async function expectRepaired(api: ApiFixture, desired: DesiredService, versions: number): Promise<void> {
  const { client, ...deployer } = deployerAt(api.api.url);
  await deployer.deploy(desired);
  expect(servedBy(api)).toEqual(servedOf(desired));
  expect(await deployer.plan(desired)).toMatchObject({
    steps: [],
    drift: [],
    unverified: null,
    warnings: [],
  });
  const live = await readLive(client, desired.service, desired);
  expect(live?.versions.map(({ number, locked }) => [number, locked])).toEqual(
    Array.from({ length: versions }, (_, index) => [index + 1, true]),
  );
  expect(live?.state.journal).toMatchObject({ state: "verified", version: versions });
  const wanted = desired.content.compute?.stores ?? [];
  const names = (kind: "config" | "secret"): readonly string[] =>
    wanted.flatMap((one) => (one.kind === kind ? [one.name] : [])).sort();
  expect((await client.stores.listConfigStores()).map(({ name }) => name).sort()).toEqual(names("config"));
  const stores = live?.stores ?? [];
  const links = await client.compute.listLinks({ serviceId: live?.id ?? "", version: versions });
  expect(new Map(links.map(({ name, storeId }) => [name, storeId]))).toEqual(
    new Map([
      ["sitefleet_private", storeOf(stores, "private")?.id],
      ["sitefleet_settings", storeOf(stores, "settings")?.id],
    ]),
  );
}

/** Each moment is a deploy, one that is repaired, and a look at everything. */
const LONG = { timeout: 180_000 };

describe("a deploy of a Compute service killed at any write", () => {
  test("of the first version leaves nothing half-live, and the next run ends right", LONG, async () => {
    const desired = await wantedCompute(undefined, await packageWith("one"));
    let outcome = "";
    let at = 0;
    while (outcome !== "finished") {
      at += 1;
      const api = await startApi();
      outcome = await deployUntilKilled(api, desired, at);
      expect([undefined, servedOf(desired)]).toContainEqual(servedBy(api));
      await expectRepaired(api, desired, 1);
    }
    expect(at).toBeGreaterThan(12);
  });

  test("of a later version leaves live what is whole, and the next run ends right", LONG, async () => {
    const first = await wantedCompute(undefined, await packageWith("one"));
    const second = await wantedCompute(computeEnvironment({ ttl: { page: 600 } }), await packageWith("two"));
    let outcome = "";
    let at = 0;
    while (outcome !== "finished") {
      at += 1;
      const api = await startApi();
      await deployerAt(api.api.url).deploy(first);
      outcome = await deployUntilKilled(api, second, at);
      expect([servedOf(first), servedOf(second)]).toContainEqual(servedBy(api));
      await expectRepaired(api, second, 2);
    }
    expect(at).toBeGreaterThan(6);
  });
});
