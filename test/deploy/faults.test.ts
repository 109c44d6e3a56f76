import { describe, expect, it } from "vitest";
import { isEmptyPlan } from "../../src/deploy/deploy-plan.ts";
import { startApi } from "../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import type { ProxiedCall } from "../support/fault-proxy.ts";
import { deployerAt, desiredWith, liveOf } from "./deploy-fixture.ts";

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
