import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { formatPlanFile } from "../../../src/deploy/plan/plan-file.ts";
import { formatPlan } from "../../../src/deploy/plan/plan-text.ts";
import { isEmptyPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import { PRIVATE_DICTIONARY } from "../../../src/render/constants.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import type { Fault, ProxiedCall } from "../../support/fault-proxy.ts";
import {
  BAD_EDGE,
  PRIVATE_VALUES,
  SECRET_VALUES,
  VARIABLES,
  deployerAt,
  desiredWith,
  environmentWith,
  failureOf,
  liveOf,
  privateItemsAt,
  sealFor,
} from "../deploy-fixture.ts";

describe("private items", () => {
  it("are written again, without a new version, only when a value changed", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    const rotated = { ...VARIABLES, SITEFLEET_EDGE_S3_KEY: "AKIANEW:another-s3-secret" };
    const desired = desiredWith("# one", environmentWith({}, rotated));
    const plan = await deployer.plan(desired);
    expect(plan.steps).toEqual([
      {
        do: "put-private-items",
        dictionary: PRIVATE_DICTIONARY,
        keys: ["config_s3_key", "config_segment", "hosting_s3_key"],
        remove: [],
      },
    ]);
    expect(await deployer.apply(plan, desired)).toMatchObject({ outcome: "items-updated", version: 1 });
    expect(privateItemsAt(api)[0]).toBe("AKIANEW:another-s3-secret");
    expect(isEmptyPlan(await deployer.plan(desired))).toBe(true);
  });

  it("leave the version unproven when verification fails with them, until a run passes", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    const rotated = environmentWith({}, { ...VARIABLES, SITEFLEET_CONFIG_SEGMENT: "other-segment" });
    const desired = desiredWith("# one", rotated);
    const stays =
      "version 1 did not pass verification; it stays live, for it is the version that was live before";
    expect((await failureOf(deployer.deploy(desired, BAD_EDGE))).message).toBe(stays);
    expect((await deployer.plan(desired)).unverified).toEqual({ version: 1, former: 1 });
    expect((await failureOf(deployer.deploy(desired, BAD_EDGE))).message).toBe(stays);
    expect(await deployer.deploy(desired)).toMatchObject({ outcome: "verified", version: 1 });
    expect(isEmptyPlan(await deployer.plan(desired))).toBe(true);
  });

  it("are all there when the version that reads them goes live", async () => {
    const api = await startApi();
    const atActivation: (readonly (string | undefined)[])[] = [];
    const proxy = await startFaultProxy(api.api.url, (call) => {
      if (call.url.endsWith("/activate")) atActivation.push(privateItemsAt(api));
      return "pass";
    });
    await deployerAt(proxy.url).deploy(desiredWith());
    expect(atActivation).toEqual([PRIVATE_VALUES]);
  });

  it("do not change when the new version turns out invalid", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    const rotated = environmentWith({}, { ...VARIABLES, SITEFLEET_CONFIG_SEGMENT: "other-segment" });
    await failureOf(deployer.deploy(desiredWith("BROKEN", rotated)));
    expect(privateItemsAt(api)).toEqual(PRIVATE_VALUES);
  });

  it("and the token appear in no plan, file, line, error or version", async () => {
    const api = await startApi();
    const echo = (call: ProxiedCall): Fault =>
      call.method === "PATCH" && call.body.includes("config_s3_key")
        ? { status: 400, body: { msg: "bad item", detail: call.body } }
        : "pass";
    const proxy = await startFaultProxy(api.api.url, echo);
    const refused = deployerAt(proxy.url);
    const desired = desiredWith();
    const plan = await refused.plan(desired);
    const error = await failureOf(refused.apply(plan, desired));
    expect(error.code).toBe("fastly/refused");
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desired);
    const live = await liveOf(deployer);
    const vcl = await deployer.client.readGeneratedVcl({ serviceId: live.id, version: 1 });
    const shown = [
      formatPlanFile(plan, sealFor(desired)),
      formatPlan(plan),
      JSON.stringify(desired),
      inspect(desired, { depth: 9 }),
      inspect(error, { depth: 9, showHidden: true }),
      error.message,
      ...error.details,
      ...refused.lines,
      ...deployer.lines,
      JSON.stringify(live),
      vcl.content,
    ].join("\n");
    for (const value of SECRET_VALUES) expect(shown).not.toContain(value);
  });
});
