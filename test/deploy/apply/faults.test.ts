import { describe, expect, it } from "vitest";
import { isEmptyPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import { applyRollback, planRollback } from "../../../src/deploy/apply/rollback.ts";
import { RemoteError } from "../../../src/fastly/remote-error.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import type { Fault, ProxiedCall } from "../../support/fault-proxy.ts";
import { GOOD_EDGE, deployerAt, desiredWith, failureOf, liveOf } from "../deploy-fixture.ts";

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

/** When the clock of the tests' deploys starts, in seconds. */
const START = Date.UTC(2026, 0, 1) / 1_000;

describe("one fault", () => {
  /** Every so many calls one is hit, from another one on for each fault: together they hit all. */
  const STRIDE = 2;

  it.each([
    ["a rate limit that resets in an hour", { status: 429, headers: resetIn(3_600) }, 0],
    ["a 500", { status: 500, body: { msg: "Internal server error" } }, 1],
    ["a 502 after the work was done", { status: 502, after: true }, 0],
    ["a reset", "lost", 1],
    ["a reset after the work was done", "lost-after", 1],
    ["a call that is never answered", "silence", 0],
    ["an answer that never comes after the work was done", "silence-after", 1],
  ] as const)("%s, at any call, leaves a whole version live, and the next run ends right", async (...row) => {
    const [, fault, first] = row;
    const api = await startApi();
    const state = { at: 0, count: 0 };
    const proxy = await startFaultProxy(api.api.url, () => {
      state.count += 1;
      return state.count === state.at ? fault : "pass";
    });
    let body = "# first";
    await deployerAt(api.api.url).deploy(desiredWith(body));
    let hits = 0;
    for (let at = first + 1; at === first + 1 || state.count >= state.at; at += STRIDE) {
      Object.assign(state, { at, count: 0 });
      const next = `# hit at ${at}`;
      const isHit = deployerAt(proxy.url, { attempts: 1 }).deploy(desiredWith(next));
      await isHit.catch(expectRemote);
      if (state.count >= at) hits += 1;
      await expectRepaired(api, body, next);
      body = next;
    }
    expect(hits).toBeGreaterThan(5);
    await expectWayBack(api);
  });

  function resetIn(seconds: number): Readonly<Record<string, string>> {
    return { "fastly-ratelimit-remaining": "0", "fastly-ratelimit-reset": String(START + seconds) };
  }

  function expectRemote(error: unknown): void {
    if (!(error instanceof RemoteError)) throw error;
  }

  async function expectRepaired(api: ApiFixture, before: string, after: string): Promise<void> {
    const deployer = deployerAt(api.api.url);
    const whole = [before, after].map((body) => desiredWith(body).content);
    const between = await liveOf(deployer);
    expect(whole).toContainEqual(between.active?.content);
    await deployer.deploy(desiredWith(after));
    const live = await liveOf(deployer);
    expect(live.active?.content).toEqual(desiredWith(after).content);
    expect(live.versions.filter(({ active, locked }) => !active && !locked)).toEqual([]);
    expect(live.state.journal).toMatchObject({ state: "verified", version: live.active?.number });
    const former = live.versions.find(({ number }) => number === live.state.journal?.former);
    expect(former).toMatchObject({ locked: true, active: false });
    expect(isEmptyPlan(await deployer.plan(desiredWith(after)))).toBe(true);
  }

  async function expectWayBack(api: ApiFixture): Promise<void> {
    const { client, clock } = deployerAt(api.api.url);
    const { service } = desiredWith();
    const plan = await planRollback(client, { service, to: undefined });
    const { signal } = new AbortController();
    const options = { client, clock, signal, checks: GOOD_EDGE, progress: () => undefined };
    expect(await applyRollback(plan, options)).toMatchObject({ outcome: "deployed", version: plan.to });
    expect(api.edge.active.get(plan.serviceId)?.version).toBe(plan.to);
  }
});

describe("the hour's writes", () => {
  const leftOf = (remaining: number, seconds: number): Fault => ({
    headers: {
      "fastly-ratelimit-remaining": String(remaining),
      "fastly-ratelimit-reset": String(START + seconds),
    },
  });

  async function deployed(): Promise<ApiFixture> {
    const api = await startApi();
    await deployerAt(api.api.url).deploy(desiredWith());
    return api;
  }

  it("are not begun with when they are too few and come again late; the next run uses the draft", async () => {
    const api = await deployed();
    const proxy = await startFaultProxy(api.api.url, () => leftOf(4, 3_000));
    const deployer = deployerAt(proxy.url);
    const error = await failureOf(deployer.deploy(desiredWith("# two")));
    expect([error.code, error.exitCode]).toEqual(["fastly/rate-limited", 3]);
    expect(error.message).toBe(
      "the deploy needs 6 more writes and Fastly takes 4 until 2026-01-01T00:50:00.000Z",
    );
    expect(proxy.writes().map((call) => call.replace(/^.*version/, ""))).toEqual(["/1/clone", "/2"]);
    expect(deployer.clock.slept).toEqual([]);
    const next = deployerAt(api.api.url);
    expect(await next.deploy(desiredWith("# two"))).toMatchObject({ version: 2, former: 1 });
    expect((await liveOf(next)).versions).toHaveLength(2);
  });

  it("are waited for when they come again soon", async () => {
    const api = await deployed();
    const proxy = await startFaultProxy(api.api.url, () => leftOf(4, 30));
    const deployer = deployerAt(proxy.url);
    expect(await deployer.deploy(desiredWith("# two"))).toMatchObject({ version: 2 });
    expect(deployer.clock.slept).toEqual([31_000]);
    expect(deployer.lines.join("\n")).toContain("until 2026-01-01T00:00:30.000Z: waiting 30 s");
  });

  it("must also do for going back before a version goes live", async () => {
    const api = await deployed();
    // Somebody else uses the same token meanwhile.
    const proxy = await startFaultProxy(api.api.url, ({ method, url }) => {
      if (method === "GET") return "pass";
      return leftOf(url.includes("/vcl/") ? 4 : 500, 3_000);
    });
    const error = await failureOf(deployerAt(proxy.url).deploy(desiredWith("# two")));
    expect(error.code).toBe("fastly/rate-limited");
    expect((await liveOf(deployerAt(api.api.url))).active?.number).toBe(1);
  });
});

describe("what Fastly's compiler says at the last moment", () => {
  it("keeps a version from going live when its validation fails, and the next run uses the draft", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    const said = "Expected CSTR got 'BOOL'\nat: (input Line 214 Pos 7)\n# two\n---###";
    const proxy = await startFaultProxy(api.api.url, ({ url }) =>
      url.endsWith("/validate") ? { fields: { status: "error", msg: said } } : "pass",
    );
    const error = await failureOf(deployerAt(proxy.url).deploy(desiredWith("# two")));
    expect(error.code).toBe("deploy/invalid-vcl");
    expect(error.details).toEqual(["main:2: Expected CSTR got 'BOOL'\n    # two", "nothing was activated"]);
    expect((await liveOf(deployer)).active?.number).toBe(1);
    expect(await deployer.deploy(desiredWith("# two"))).toMatchObject({ version: 2 });
  });

  it("is told when activating succeeds with warnings", async () => {
    const api = await startApi();
    const msg = "Warning: No default director found\nat: (default Line 174 Pos 1)";
    const proxy = await startFaultProxy(api.api.url, ({ url }) =>
      url.endsWith("/activate") ? { fields: { msg } } : "pass",
    );
    const deployer = deployerAt(proxy.url);
    expect(await deployer.deploy(desiredWith())).toMatchObject({ outcome: "deployed" });
    const warning = "version 1: Fastly warns: default:174:1: warning: No default director found";
    expect(deployer.lines).toContain(warning);
    expect((await liveOf(deployer)).state.journal?.state).toBe("verified");
  });
});
