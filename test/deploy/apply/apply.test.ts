import { describe, expect, it } from "vitest";
import { formatPlanFile, parsePlanFile } from "../../../src/deploy/plan/plan-file.ts";
import { isEmptyPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { formatTimings } from "../../../src/deploy/apply/step-timer.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import type { Fault } from "../../support/fault-proxy.ts";
import {
  PRIVATE_VALUES,
  deployerAt,
  desiredWith,
  environmentWith,
  failureOf,
  liveOf,
  privateItemsAt,
  sealFor,
} from "../deploy-fixture.ts";

describe("applyDeploy", () => {
  it("makes the service, uses its first version and leaves nothing to do", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const result = await deployer.deploy(desiredWith());
    expect(result).toMatchObject({ outcome: "deployed", version: 1, former: null });
    const active = api.edge.active.get(result.serviceId ?? "");
    expect(active).toMatchObject({ name: "fleet-test", version: 1, domains: ["*.sites.example.net"] });
    expect(privateItemsAt(api)).toEqual(PRIVATE_VALUES);
    const plan = await deployer.plan(desiredWith());
    expect(plan).toMatchObject({ steps: [], unverified: null, warnings: [], diffs: [], baseVersion: 1 });
  });

  it("makes no write and at most fifteen reads when nothing changed", async () => {
    const api = await startApi();
    await deployerAt(api.api.url).deploy(desiredWith());
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    const result = await deployerAt(proxy.url).deploy(desiredWith());
    expect(result).toMatchObject({ outcome: "unchanged", version: 1 });
    expect(proxy.writes()).toEqual([]);
    expect(proxy.calls.length).toBeLessThanOrEqual(15);
  });

  it("changes one VCL file in a clone with at most eight writes", async () => {
    const api = await startApi();
    await deployerAt(api.api.url).deploy(desiredWith());
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    const deployer = deployerAt(proxy.url);
    const result = await deployer.deploy(desiredWith("# two"));
    expect(result).toMatchObject({ outcome: "deployed", version: 2, former: 1 });
    expect(proxy.writes().length).toBeLessThanOrEqual(8);
    const live = await liveOf(deployer);
    expect(live.active?.content.vcls[0]?.content).toContain("# two");
    expect(live.active?.comment).toMatch(
      /^sitefleet 2 from 1: revision hash-of---two, content [0-9a-f]{16}$/,
    );
    expect(live.state.journal).toMatchObject({ state: "verified", version: 2, former: 1 });
  });

  it("carries out removed and changed objects of every kind", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const second = {
      region: "eu-west-1",
      configBucket: "fleet-config-eu",
      hostingBucket: "fleet-hosting-eu",
    };
    const domains = ["*.sites.example.net", "old.example.net"];
    await deployer.deploy(desiredWith("# one", environmentWith({ s3: { second }, fastly: { domains } })));
    expect((await liveOf(deployer)).active?.content.healthchecks).toHaveLength(4);
    const plan = await deployer.plan(desiredWith());
    expect(plan.warnings).toEqual([
      'domain "old.example.net" is live and not in the settings: visitors will no longer reach it',
    ]);
    await deployer.apply(plan, desiredWith());
    const { active } = await liveOf(deployer);
    expect(active?.content).toEqual(desiredWith().content);
    expect(isEmptyPlan(await deployer.plan(desiredWith()))).toBe(true);
  });

  it("applies a plan that went through a file", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const plan = await deployer.plan(desiredWith());
    const read = parsePlanFile(formatPlanFile(plan, sealFor()), { file: "plan.json", ...sealFor() });
    expect(read).toEqual(plan);
    expect((await deployer.apply(read, desiredWith())).version).toBe(1);
  });

  it("refuses a plan when another version went live after it was made", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    const plan = await deployer.plan(desiredWith("# two"));
    await deployer.deploy(desiredWith("# three"));
    const error = await failureOf(deployer.apply(plan, desiredWith("# two")));
    expect([error.code, error.exitCode]).toEqual(["deploy/changed-meanwhile", 6]);
    expect(error.message).toBe("the plan was made against version 1 and version 2 is live now");
  });

  it("does not activate when someone else does while the draft is written", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(desiredWith());
    await deployer.deploy(desiredWith("# two"));
    const path = `/service/${serviceId}/version`;
    let done = false;
    const proxy = await startFaultProxy(api.api.url, async (call): Promise<Fault> => {
      if (!call.url.endsWith("/validate") || done) return "pass";
      done = true;
      await api.call("PUT", `${path}/1/activate`);
      return "pass";
    });
    const racing = deployerAt(proxy.url);
    const plan = await racing.plan(desiredWith("# three"));
    const error = await failureOf(racing.apply(plan, desiredWith("# three")));
    expect(error.code).toBe("deploy/changed-meanwhile");
    expect(api.edge.active.get(serviceId ?? "")?.version).toBe(1);
  });

  it("activates nothing when Fastly finds the version invalid, and completes the draft next time", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    const error = await failureOf(deployer.deploy(desiredWith("BROKEN")));
    expect([error.code, error.exitCode]).toEqual(["deploy/invalid-vcl", 1]);
    expect(error.details.join("\n")).toContain("Unexpected BROKEN");
    expect((await liveOf(deployer)).active?.number).toBe(1);
    const result = await deployer.deploy(desiredWith("# fixed"));
    expect(result.version).toBe(2);
    expect((await liveOf(deployer)).versions).toHaveLength(2);
  });

  it("does not make a missing service unless told to", async () => {
    const api = await startApi();
    const error = await failureOf(deployerAt(api.api.url, { create: false }).deploy(desiredWith()));
    expect([error.code, error.exitCode]).toEqual(["deploy/no-service", 2]);
  });

  it("names an id that Fastly does not know", async () => {
    const api = await startApi();
    const desired = desiredWith("# one", environmentWith({ fastly: { serviceId: "NoSuchService" } }));
    expect((await failureOf(deployerAt(api.api.url).plan(desired))).code).toBe("deploy/no-service");
  });

  it("keeps and names what it does not manage, and undoes changes by hand only when told to", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(desiredWith());
    const draft = `/service/${serviceId}/version/2`;
    await api.call("PUT", `/service/${serviceId}/version/1/clone`);
    await api.call("POST", `${draft}/snippet`, {
      form: { name: "extra", type: "recv", dynamic: "0", content: "# x" },
    });
    await api.call("POST", `${draft}/dictionary`, { form: { name: "theirs" } });
    await api.call("PUT", `${draft}/vcl/recv`, { form: { content: "# by hand" } });
    await api.call("PUT", `${draft}/activate`);
    const plan = await deployer.plan(desiredWith());
    expect(plan.warnings).toEqual([
      'dictionary "theirs" is not sitefleet\'s and stays as it is',
      'snippets "extra": not made by sitefleet, kept, and they act inside its VCL through Fastly\'s macros',
    ]);
    expect(plan.drift.map(({ kind, name }) => `${kind} ${name}`)).toEqual(["vcl recv"]);
    const error = await failureOf(deployer.apply(plan, desiredWith()));
    expect([error.code, error.exitCode]).toEqual(["deploy/drift", 6]);
    expect((await liveOf(deployer)).active?.number).toBe(2);
    await deployer.apply(await deployer.plan(desiredWith(), "overwrite"), desiredWith());
    const live = await liveOf(deployer);
    expect(live.active?.content.vcls).toEqual(desiredWith().content.vcls);
    expect(live.foreign).toEqual([
      { kind: "dictionaries", names: ["theirs"] },
      { kind: "snippets", names: ["extra"] },
    ]);
  });

  it("tells how long each step took, and how long it was until every edge answered", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    let asked = 0;
    const slow = {
      probe: () => Promise.resolve((asked += 1) > 3),
      verify: async () => {
        await deployer.clock.sleep(7_000);
        return { ok: true } as const;
      },
    };
    const { timings, edgeMs } = await deployer.deploy(desiredWith("# two"), slow);
    expect(timings).toEqual([
      { step: "plan", ms: 0 },
      { step: "draft", ms: 0 },
      { step: "write", ms: 0 },
      { step: "validate", ms: 0 },
      { step: "tables", ms: 0 },
      { step: "activate", ms: 0 },
      { step: "edge", ms: 1_750 },
      { step: "verify", ms: 7_000 },
      { step: "record", ms: 0 },
    ]);
    expect(edgeMs).toBe(1_750);
    const same = await deployer.deploy(desiredWith("# two"));
    expect([same.timings, same.edgeMs]).toEqual([[{ step: "plan", ms: 0 }], null]);
    expect(formatTimings(timings, edgeMs).at(-1)).toMatch(/from start to every edge +1\.75 s$/);
  });
});

describe("what Fastly says of the VCL", () => {
  /** The wanted service as if its lines came from templates, each ten lines further up there. */
  function withOrigins(body: string): DesiredService {
    const desired = desiredWith(body);
    const files = desired.files.map((file) => ({
      ...file,
      lines: file.content
        .split("\n")
        .map((_, index) => ({ template: `${file.name}.vcl.njk`, line: index + 11 })),
    }));
    return { ...desired, files };
  }

  it("is told with the line of our template when a version is invalid", async () => {
    const api = await startApi();
    const error = await failureOf(deployerAt(api.api.url).deploy(withOrigins("BROKEN")));
    expect(error.code).toBe("deploy/invalid-vcl");
    expect(error.details[0]).toMatch(/^main\.vcl\.njk:12 \(main:2\): .*Unexpected BROKEN/);
  });

  it("is told likewise when it warns of a version that it activates", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    expect(await deployer.deploy(withOrigins("DUBIOUS"))).toMatchObject({ outcome: "deployed", version: 1 });
    const warned = deployer.lines.filter((line) => line.startsWith("version 1: Fastly warns: "));
    expect(warned.join("\n")).toMatch(/main\.vcl\.njk:12 \(main:2\): warning: .*Unexpected DUBIOUS/);
  });

  it("names no template line when the plan was made of other templates", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const plan = await deployer.plan(desiredWith("BROKEN"));
    const error = await failureOf(deployer.apply(plan, withOrigins("# repaired meanwhile")));
    expect(error.details[0]).toMatch(/^main:2: .*Unexpected BROKEN/);
  });
});
