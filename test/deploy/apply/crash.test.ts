import { describe, expect, it } from "vitest";
import { readLive } from "../../../src/deploy/live/live.ts";
import { isEmptyPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import { digestContent } from "../../../src/deploy/live/stamp.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { deployerAt, desiredWith, environmentWith } from "../deploy-fixture.ts";

const ITEM_VALUES = ["AKIAEDGEREADER:edge-s3-secret/with+signs", "hidden-config-segment"];

/** A deploy that is dead from its n-th write on: that write is lost before or after it was done. */
async function deployUntilKilled(
  api: ApiFixture,
  kill: {
    readonly service: string;
    readonly body: string;
    readonly at: number;
    readonly how: "lost" | "lost-after";
  },
): Promise<"killed" | "finished"> {
  let writes = 0;
  let dead = false;
  const proxy = await startFaultProxy(api.api.url, (call) => {
    if (dead) return "lost";
    if (call.method !== "GET") writes += 1;
    if (writes < kill.at) return "pass";
    dead = true;
    return kill.how;
  });
  try {
    await deployerAt(proxy.url, { attempts: 1 }).deploy(wanted(kill.service, kill.body));
  } catch (error) {
    if (!dead) throw error;
  }
  return dead ? "killed" : "finished";
}

function wanted(service: string, body: string) {
  const domains = [`*.${service}.example.net`, ...(body === "# two" ? [`www.${service}.net`] : [])];
  return desiredWith(body, environmentWith({ fastly: { serviceName: service, domains } }));
}

async function deployAgain(api: ApiFixture, service: string, body: string) {
  const deployer = deployerAt(api.api.url);
  const desired = wanted(service, body);
  await deployer.deploy(desired);
  const live = await readLive(deployer.client, desired.service);
  if (!live?.active) throw new Error("nothing is live");
  const plan = await deployer.plan(desired);
  return { live, active: live.active, plan, desired };
}

async function activeVersion(api: ApiFixture, service: string) {
  const live = await readLive(deployerAt(api.api.url).client, { id: undefined, name: service });
  return live?.active;
}

describe.each(["lost", "lost-after"] as const)("a deploy killed at any write (%s)", (how) => {
  it("of the first version leaves nothing half-live, and the next run ends right", async () => {
    const api = await startApi();
    let outcome = "";
    let at = 0;
    while (outcome !== "finished") {
      at += 1;
      const service = `first-${how}-${at}`;
      outcome = await deployUntilKilled(api, { service, body: "# one", at, how });
      const between = await activeVersion(api, service);
      if (between) expect(between.content).toEqual(wanted(service, "# one").content);
      const { live, active, plan, desired } = await deployAgain(api, service, "# one");
      expect(active.content).toEqual(desired.content);
      expect(isEmptyPlan(plan)).toBe(true);
      expect(live.versions.map(({ number }) => number)).toEqual([1]);
      const content = digestContent(desired.content);
      expect(live.state.journal).toEqual({ state: "verified", version: 1, former: null, content });
      const table = api.compiler.last.tables.get("sitefleet_private");
      expect([table?.get("config_s3_key"), table?.get("config_segment")]).toEqual(ITEM_VALUES);
    }
    expect(at).toBeGreaterThan(12);
  });

  it("of a later version keeps the former one whole, and the next run leaves no draft behind", async () => {
    const api = await startApi();
    let outcome = "";
    let at = 0;
    while (outcome !== "finished") {
      at += 1;
      const service = `later-${how}-${at}`;
      await deployerAt(api.api.url).deploy(wanted(service, "# one"));
      outcome = await deployUntilKilled(api, { service, body: "# two", at, how });
      const between = await activeVersion(api, service);
      const whole = [wanted(service, "# one").content, wanted(service, "# two").content];
      expect(whole).toContainEqual(between?.content);
      const { live, active, plan, desired } = await deployAgain(api, service, "# two");
      expect(active.content).toEqual(desired.content);
      expect(isEmptyPlan(plan)).toBe(true);
      expect(live.versions.map(({ number, active: on }) => [number, on])).toEqual([
        [1, false],
        [2, true],
      ]);
      const content = digestContent(desired.content);
      expect(live.state.journal).toEqual({ state: "verified", version: 2, former: 1, content });
    }
    expect(at).toBeGreaterThan(6);
  });
});

describe("a deploy killed between activation and verification", () => {
  /** From the first look at the edge on nothing that the deploy does gets through. */
  async function dieAfterActivation(api: ApiFixture, service: string): Promise<void> {
    let dead = false;
    const proxy = await startFaultProxy(api.api.url, () => (dead ? "lost" : "pass"));
    const probe = (): Promise<boolean> => {
      dead = true;
      return Promise.reject(new Error("killed"));
    };
    const killed = deployerAt(proxy.url, { attempts: 1 }).deploy(wanted(service, "# two"), {
      probe,
      verify: () => Promise.reject(new Error("never reached")),
    });
    await expect(killed).rejects.toThrow("version 2 is live as far as is known");
  }

  it("is verified by the next run, which puts the last good version back if it must", async () => {
    const api = await startApi();
    const service = "unverified";
    const { live } = await deployAgain(api, service, "# one");
    const activations: string[] = [];
    await dieAfterActivation(api, service);
    expect(api.edge.active.get(live.id)?.version).toBe(2);

    const next = deployerAt(api.api.url);
    const plan = await next.plan(wanted(service, "# two"));
    expect(plan).toMatchObject({ steps: [], unverified: { version: 2, former: 1 } });
    expect(plan.warnings).toEqual(["version 2 is live and has not passed verification yet"]);
    const bad = next.apply(plan, wanted(service, "# two"), {
      probe: () => Promise.resolve(true),
      verify: ({ version }) => {
        activations.push(`verify ${version}`);
        return Promise.resolve({ ok: false, problems: ["wrong"] });
      },
    });
    await expect(bad).rejects.toThrow("version 2 did not pass verification; version 1 was put back");
    expect(activations).toEqual(["verify 2"]);
    expect(api.edge.active.get(live.id)?.version).toBe(1);
  });

  it("is not what a later failure falls back to", async () => {
    const api = await startApi();
    const service = "unverified";
    const { live } = await deployAgain(api, service, "# one");
    await dieAfterActivation(api, service);
    const verify = () => Promise.resolve({ ok: false, problems: ["wrong"] } as const);
    const next = deployerAt(api.api.url);
    const failing = next.deploy(wanted(service, "# three"), { probe: () => Promise.resolve(true), verify });
    await expect(failing).rejects.toThrow("version 3 did not pass verification; version 1 was put back");
    expect(api.edge.active.get(live.id)?.version).toBe(1);
  });
});
