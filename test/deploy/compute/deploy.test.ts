import { describe, expect, test } from "vitest";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { computeDeployerAt, computeEnvironment, packageWith, wantedCompute } from "./compute-fixture.ts";

describe("a Compute service", () => {
  test("is made with its package, stores, links, backends and domains, and goes live", async () => {
    const api = await startApi();
    const deployer = computeDeployerAt(api.api.url);
    const desired = await wantedCompute();
    const plan = await deployer.plan(desired);
    const result = await deployer.apply(plan, desired);
    expect(result).toMatchObject({ outcome: "deployed", version: 1, former: null });
    const again = await deployer.plan(desired);
    expect(again.steps).toEqual([]);
    const changed = await wantedCompute(computeEnvironment({ ttl: { page: 600 } }), await packageWith("two"));
    expect(await deployer.deploy(changed)).toMatchObject({ version: 2, former: 1 });
  });
});
