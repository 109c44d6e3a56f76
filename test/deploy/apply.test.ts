import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import type { EdgeChecks } from "../../src/deploy/activate.ts";
import { readLive } from "../../src/deploy/live.ts";
import { formatPlanFile, parsePlanFile } from "../../src/deploy/plan-file.ts";
import { formatPlan } from "../../src/deploy/plan-text.ts";
import { isEmptyPlan } from "../../src/deploy/deploy-plan.ts";
import { SitefleetError } from "../../src/lib/errors.ts";
import { PRIVATE_DICTIONARY } from "../../src/render/constants.ts";
import { startApi } from "../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import type { Fault, ProxiedCall } from "../support/fault-proxy.ts";
import {
  SECRET_VALUES,
  VARIABLES,
  deployerAt,
  desiredWith,
  environmentWith,
  sealFor,
} from "./deploy-fixture.ts";
import type { Deployer } from "./deploy-fixture.ts";

const BAD_EDGE: EdgeChecks = {
  probe: () => Promise.resolve(true),
  verify: ({ version }) => Promise.resolve({ ok: false, problems: [`version ${version} answers 500`] }),
};

async function failureOf(promise: Promise<unknown>): Promise<SitefleetError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof SitefleetError)) throw new Error("expected a SitefleetError", { cause: error });
  return error;
}

async function liveOf(deployer: Deployer) {
  const live = await readLive(deployer.client, desiredWith().service);
  if (!live) throw new Error("no service");
  return live;
}

function itemsOf(api: ApiFixture, dictionary = PRIVATE_DICTIONARY): readonly (string | undefined)[] {
  const table = api.compiler.last.tables.get(dictionary);
  return ["config_s3_key", "hosting_s3_key", "config_segment"].map((key) => table?.get(key));
}

const SECRETS = [
  VARIABLES["SITEFLEET_EDGE_S3_KEY"],
  VARIABLES["SITEFLEET_EDGE_S3_KEY"],
  VARIABLES["SITEFLEET_CONFIG_SEGMENT"],
];

describe("applyDeploy", () => {
  it("makes the service, uses its first version and leaves nothing to do", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const result = await deployer.deploy(desiredWith());
    expect(result).toMatchObject({ outcome: "deployed", version: 1, former: null });
    const active = api.edge.active.get(result.serviceId ?? "");
    expect(active).toMatchObject({ name: "fleet-test", version: 1, domains: ["*.sites.example.net"] });
    expect(itemsOf(api)).toEqual(SECRETS);
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
    expect(live.state.journal).toEqual({ state: "verified", version: 2, former: 1 });
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

  it("puts the former version back when verification fails, and says so", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(desiredWith());
    const error = await failureOf(deployer.deploy(desiredWith("# bad"), BAD_EDGE));
    expect([error.code, error.exitCode]).toEqual(["deploy/verification-failed", 5]);
    expect(error.message).toBe("version 2 did not pass verification; version 1 was put back");
    expect(error.details).toEqual(["version 2 answers 500"]);
    expect(api.edge.active.get(serviceId ?? "")?.version).toBe(1);
    expect((await liveOf(deployer)).state.journal?.state).toBe("failed");
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

  it("completes the only version of a service that was made by hand", async () => {
    const api = await startApi();
    const id = await api.service("fleet-test");
    await api.call("POST", `/service/${id}/version/1/domain`, { form: { name: "left.example.net" } });
    const deployer = deployerAt(api.api.url);
    expect(await deployer.deploy(desiredWith())).toMatchObject({ serviceId: id, version: 1 });
    expect((await liveOf(deployer)).active?.content.domains).toEqual(["*.sites.example.net"]);
  });

  it.each([
    ["domain", { name: "mine.example.net" }],
    ["snippet", { name: "mine", type: "recv", dynamic: "0", content: "# mine" }],
  ])("leaves a clone alone in which somebody else made a %s", async (kind, form) => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(desiredWith());
    await api.call("PUT", `/service/${serviceId}/version/1/clone`);
    await api.call("POST", `/service/${serviceId}/version/2/${kind}`, { form });
    expect((await deployer.deploy(desiredWith("# two"))).version).toBe(3);
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
});

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
    expect(itemsOf(api)[0]).toBe("AKIANEW:another-s3-secret");
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
      if (call.url.endsWith("/activate")) atActivation.push(itemsOf(api));
      return "pass";
    });
    await deployerAt(proxy.url).deploy(desiredWith());
    expect(atActivation).toEqual([SECRETS]);
  });

  it("do not change when the new version turns out invalid", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    const rotated = environmentWith({}, { ...VARIABLES, SITEFLEET_CONFIG_SEGMENT: "other-segment" });
    await failureOf(deployer.deploy(desiredWith("BROKEN", rotated)));
    expect(itemsOf(api)).toEqual(SECRETS);
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

describe("faults of the API", () => {
  const rateLimited = { status: 429, body: { msg: "Too many requests" } };

  it.each([
    ["a rate limit", (count: number) => (count % 3 === 1 ? rateLimited : "pass")],
    ["a lost connection", (count: number) => (count % 4 === 2 ? "lost" : "pass")],
  ] as const)("%s only slows an idempotent deploy down", async (_, faultAt) => {
    const api = await startApi();
    await deployerAt(api.api.url).deploy(desiredWith());
    let count = 0;
    const proxy = await startFaultProxy(api.api.url, (call) =>
      call.url.endsWith("/clone") ? "pass" : faultAt((count += 1)),
    );
    const deployer = deployerAt(proxy.url);
    expect((await deployer.deploy(desiredWith("# two"))).version).toBe(2);
    expect(deployer.clock.slept.length).toBeGreaterThan(0);
  });

  it("waits for the moment at which the rate limit resets", async () => {
    const api = await startApi();
    let limited = false;
    const proxy = await startFaultProxy(api.api.url, (call) => {
      if (limited || call.method !== "POST") return "pass";
      limited = true;
      return {
        ...rateLimited,
        headers: { "fastly-ratelimit-reset": String(Date.UTC(2026, 0, 1) / 1000 + 60) },
      };
    });
    const deployer = deployerAt(proxy.url);
    await deployer.deploy(desiredWith());
    expect(deployer.clock.slept).toEqual([60_000]);
  });

  it.each([
    ["every create", (call: ProxiedCall) => call.method === "POST" && call.url.includes("/version/")],
    ["the clone", (call: ProxiedCall) => call.url.endsWith("/clone")],
    ["the activation", (call: ProxiedCall) => call.url.endsWith("/activate")],
    ["the items", (call: ProxiedCall) => call.method === "PATCH"],
  ] as const)("ends right when %s gets a 502 after the work was done", async (_, matches) => {
    const api = await startApi();
    const fault = { status: 502, after: true } as const;
    const seen = new Set<string>();
    const proxy = await startFaultProxy(api.api.url, (call) => {
      const key = `${call.method} ${call.url} ${call.body}`;
      if (!matches(call) || seen.has(key)) return "pass";
      seen.add(key);
      return fault;
    });
    const deployer = deployerAt(proxy.url);
    await deployer.deploy(desiredWith());
    expect((await deployer.deploy(desiredWith("# two"))).version).toBe(2);
    expect(seen.size).toBeGreaterThan(0);
    expect(isEmptyPlan(await deployer.plan(desiredWith("# two")))).toBe(true);
    expect((await liveOf(deployer)).versions).toHaveLength(2);
  });
});
