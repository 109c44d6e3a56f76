import { describe, expect, it } from "vitest";
import { applyRollback, planRollback } from "../../../src/deploy/apply/rollback.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import type { Fault } from "../../support/fault-proxy.ts";
import { GOOD_EDGE, deployerAt, desiredWith, failureOf, liveOf } from "../deploy-fixture.ts";

const { service } = desiredWith();

/** Two versions are live one after the other, and somebody at Fastly's web interface. */
async function withSomebody() {
  const api = await startApi();
  const deployer = deployerAt(api.api.url);
  const { serviceId } = await deployer.deploy(desiredWith());
  const id = serviceId ?? "";
  return {
    api,
    deployer,
    active: () => api.edge.active.get(id)?.version,
    /** Makes a clone of the first version live. */
    hotfix: async (): Promise<void> => {
      await api.call("PUT", `/service/${id}/version/1/clone`);
      await api.call("PUT", `/service/${id}/version/3/activate`);
    },
    takeDown: (version: number) => api.call("PUT", `/service/${id}/version/${version}/deactivate`),
  };
}

describe("a version that somebody makes live while ours is being verified", () => {
  it.each([
    ["does not hold", { ok: false, problems: ["version 3 answers"] } as const],
    ["holds", { ok: true } as const],
  ])("stays live when ours %s", async (_, verification) => {
    const { deployer, active, hotfix } = await withSomebody();
    const verify = async () => {
      await hotfix();
      return verification;
    };
    const error = await failureOf(deployer.deploy(desiredWith("# two"), { ...GOOD_EDGE, verify }));
    expect([error.code, error.exitCode]).toEqual(["deploy/changed-meanwhile", 6]);
    expect(error.message).toBe(
      "while version 2 was being verified somebody else made version 3 live, which stays",
    );
    expect(active()).toBe(3);
    expect((await liveOf(deployer)).state.journal?.state).toBe("activating");
  });

  it("is told likewise when somebody took ours down", async () => {
    const { deployer, active, takeDown } = await withSomebody();
    const verify = async () => {
      await takeDown(2);
      return { ok: true } as const;
    };
    const error = await failureOf(deployer.deploy(desiredWith("# two"), { ...GOOD_EDGE, verify }));
    expect(error.message).toBe("while version 2 was being verified somebody else took it down");
    expect(active()).toBeUndefined();
  });

  it("keeps a rollback from being carried out that was planned against another", async () => {
    const { api, deployer, active, hotfix } = await withSomebody();
    await deployer.deploy(desiredWith("# two"));
    const { client, clock } = deployer;
    const plan = await planRollback(client, { service, to: 1 });
    await hotfix();
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    const { signal } = new AbortController();
    const rolled = applyRollback(plan, {
      client: deployerAt(proxy.url).client,
      clock,
      signal,
      checks: GOOD_EDGE,
      progress: () => undefined,
    });
    expect((await failureOf(rolled)).message).toBe(
      "version 2 was live when the rollback was planned, and version 3 is now",
    );
    expect([active(), proxy.writes()]).toEqual([3, []]);
  });
});

describe("two deploys at one time", () => {
  it("do not make a draft live that the other one took up", async () => {
    const { api, deployer, active } = await withSomebody();
    let isOther = false;
    const proxy = await startFaultProxy(api.api.url, async ({ url }): Promise<Fault> => {
      if (!url.endsWith("/validate") || isOther) return "pass";
      isOther = true;
      // The other one is cut off behind its stamp and its writes.
      const broken = await startFaultProxy(api.api.url, (call) =>
        call.url.endsWith("/validate") ? { status: 403 } : "pass",
      );
      await failureOf(deployerAt(broken.url).deploy(desiredWith("# theirs")));
      return "pass";
    });
    const error = await failureOf(deployerAt(proxy.url).deploy(desiredWith("# ours")));
    expect([error.code, error.exitCode]).toEqual(["deploy/changed-meanwhile", 6]);
    expect(error.message).toBe("another deploy took up version 2 while this one wrote it");
    expect(active()).toBe(1);
    expect(await deployer.deploy(desiredWith("# theirs"))).toMatchObject({ version: 2 });
  });

  it("do not make a draft live that holds something of both", async () => {
    const { api, deployer, active } = await withSomebody();
    const cut = await startFaultProxy(api.api.url, ({ url }) =>
      url.endsWith("/validate") ? { status: 403 } : "pass",
    );
    await failureOf(deployerAt(cut.url).deploy(desiredWith("# theirs")));
    const { id } = await liveOf(deployer);
    const proxy = await startFaultProxy(api.api.url, async ({ url }): Promise<Fault> => {
      if (url.endsWith("/validate")) {
        const form = { first_byte_timeout: "1234" };
        await api.call("PUT", `/service/${id}/version/2/backend/config`, { form });
      }
      return "pass";
    });
    const error = await failureOf(deployerAt(proxy.url).deploy(desiredWith("# ours")));
    expect(error.message).toBe("somebody else wrote to version 2 while this deploy did");
    expect(active()).toBe(1);
    expect(await deployer.deploy(desiredWith("# ours"))).toMatchObject({ version: 2 });
  });
});

describe("what stays changed", () => {
  it("is said also when a deploy ends before it activates anything", async () => {
    const { api, deployer, hotfix } = await withSomebody();
    await deployer.deploy(desiredWith("# two"));
    let isDone = false;
    const proxy = await startFaultProxy(api.api.url, async ({ method, body }): Promise<Fault> => {
      if (method === "PATCH" && body.includes("config_s3_key") && !isDone) {
        isDone = true;
        await hotfix();
      }
      return "pass";
    });
    const racing = deployerAt(proxy.url);
    const desired = desiredWith("# four");
    const plan = await racing.plan(desired);
    const privateStep = {
      do: "put-private-items",
      dictionary: "sitefleet_private",
      keys: ["config_s3_key", "config_segment", "hosting_s3_key"],
      remove: [],
    } as const;
    const error = await failureOf(racing.apply({ ...plan, steps: [...plan.steps, privateStep] }, desired));
    expect(error.code).toBe("deploy/changed-meanwhile");
    expect(error.details).toEqual([
      "nothing was activated",
      expect.stringMatching(
        /^the private items keep their new values, which every version reads: config_s3_key /,
      ),
    ]);
  });
});
