import { describe, expect, it } from "vitest";
import type { EdgeChecks } from "../../../src/deploy/apply/activation.ts";
import { isVerified } from "../../../src/deploy/live/state.ts";
import { isEmptyPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import { formatStatus, toStatus } from "../../../src/deploy/plan/status.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { BAD_EDGE, deployerAt, desiredWith, failureOf, liveOf } from "../deploy-fixture.ts";

describe("a version that does not hold at the edge", () => {
  it("puts the former version back when verification fails, and says so", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(desiredWith());
    const error = await failureOf(deployer.deploy(desiredWith("# bad"), BAD_EDGE));
    expect([error.code, error.exitCode]).toEqual(["deploy/verification-failed", 5]);
    expect(error.message).toBe("version 2 did not pass verification; version 1 was put back");
    expect(error.details).toEqual(["version 2 answers 500"]);
    expect(api.edge.active.get(serviceId ?? "")?.version).toBe(1);
    const live = await liveOf(deployer);
    expect([1, 2].map((version) => isVerified(live.state, version))).toEqual([true, false]);
    expect(formatStatus(toStatus(desiredWith(), live))).toMatch(
      /^last {5}version 2 failed and was taken back$/m,
    );
    expect((await deployer.deploy(desiredWith("# good"))).version).toBe(3);
  });

  it("treats a verification that throws as failed", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    const checks = { ...BAD_EDGE, verify: () => Promise.reject(new Error("no route to the edge")) };
    const error = await failureOf(deployer.deploy(desiredWith("# bad"), checks));
    expect(error.message).toBe("version 2 could not be verified; version 1 was put back");
    expect(error.details).toEqual(["no route to the edge"]);
  });

  it("takes the first version down again when it fails, and deploys in its place later", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const error = await failureOf(deployer.deploy(desiredWith(), BAD_EDGE));
    expect(error.message).toBe("version 1 did not pass verification; nothing is live, as before");
    expect(api.edge.active.size).toBe(0);
    expect(await deployer.deploy(desiredWith())).toMatchObject({ version: 2, former: null });
    expect(isEmptyPlan(await deployer.plan(desiredWith()))).toBe(true);
  });

  it("waits until the edge answers with the version, and gives up at the deadline", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    const seen: unknown[] = [];
    const slow: EdgeChecks = {
      probe: (expected) => Promise.resolve(seen.push(expected) > 3),
      verify: () => Promise.resolve({ ok: true }),
    };
    await deployer.deploy(desiredWith("# two"), slow);
    expect(seen).toHaveLength(4);
    expect(seen[3]).toEqual({ revision: "hash-of---two", version: 2 });
    expect(deployer.clock.slept).toEqual([250, 500, 1000]);
    const never = { ...slow, probe: () => Promise.resolve(false) };
    const error = await failureOf(deployer.deploy(desiredWith("# three"), never));
    expect([error.code, error.exitCode]).toEqual(["deploy/activation-not-seen", 5]);
    expect(error.message).toBe(
      "the edge did not answer with version 3 within 120 s; version 2 was put back, but the edge has not been seen to answer with it yet",
    );
  });

  it("says how to get back when the former version cannot be put back", async () => {
    const api = await startApi();
    await deployerAt(api.api.url).deploy(desiredWith());
    const proxy = await startFaultProxy(api.api.url, (call) =>
      call.url.endsWith("/version/1/activate") ? { status: 403, body: { msg: "no" } } : "pass",
    );
    const error = await failureOf(deployerAt(proxy.url).deploy(desiredWith("# bad"), BAD_EDGE));
    expect(error.code).toBe("deploy/verification-failed");
    expect(error.hint).toBe("run `sitefleet deploy rollback --to 1`");
  });
});
