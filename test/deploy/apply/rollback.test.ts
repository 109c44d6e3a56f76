import { describe, expect, it } from "vitest";
import type { EdgeChecks } from "../../../src/deploy/apply/activation.ts";
import { applyRollback, planRollback } from "../../../src/deploy/apply/rollback.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import type { Variables } from "../../../src/settings/environment.ts";
import type { PrivateItem } from "../../../src/deploy/service/tables.ts";
import {
  GOOD_EDGE,
  VARIABLES,
  deployerAt,
  desiredWith,
  environmentWith,
  failureOf,
} from "../deploy-fixture.ts";
import type { Deployer } from "../deploy-fixture.ts";

const { service } = desiredWith();

async function withTwoVersions() {
  const api = await startApi();
  const deployer = deployerAt(api.api.url);
  const { serviceId } = await deployer.deploy(desiredWith("# one"));
  await deployer.deploy(desiredWith("# two"));
  return { api, deployer, id: serviceId ?? "" };
}

async function rollBack(
  deployer: Deployer,
  to?: number,
  checks: EdgeChecks = GOOD_EDGE,
  privateItems = desiredWith().privateItems,
) {
  const { client, clock, lines } = deployer;
  const plan = await planRollback(client, { service, to });
  const signal = new AbortController().signal;
  const progress = (line: string): number => lines.push(line);
  return applyRollback(plan, { client, clock, signal, checks, progress, privateItems });
}

/** The private items where the variables say otherwise than they did at the last deploy. */
function itemsWith(change: Variables): readonly PrivateItem[] {
  return desiredWith(undefined, environmentWith({}, { ...VARIABLES, ...change })).privateItems;
}

describe("rollback", () => {
  it("goes back to the version that was live before, and verifies its revision", async () => {
    const { api, deployer, id } = await withTwoVersions();
    const asked: unknown[] = [];
    const checks: EdgeChecks = {
      ...GOOD_EDGE,
      probe: (expected) => Promise.resolve(asked.push(expected) > 0),
    };
    expect(await rollBack(deployer, undefined, checks)).toMatchObject({ version: 1, former: 2 });
    expect(api.edge.active.get(id)?.version).toBe(1);
    expect(asked).toEqual([{ revision: "hash-of---one", version: 1 }]);
  });

  it("makes two writes beside the activation, and none when it is there already", async () => {
    const { api } = await withTwoVersions();
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    const deployer = deployerAt(proxy.url);
    await rollBack(deployer, 1);
    expect(proxy.writes()).toHaveLength(3);
    expect(await rollBack(deployer, 1)).toMatchObject({ outcome: "unchanged" });
    expect(proxy.writes()).toHaveLength(3);
  });

  it("is refused before anything is live where another config segment is set, which no version would know", async () => {
    const { api, deployer, id } = await withTwoVersions();
    const items = itemsWith({ SITEFLEET_CONFIG_SEGMENT: "another-config-segment" });
    const asked: unknown[] = [];
    const deaf: EdgeChecks = {
      ...GOOD_EDGE,
      probe: (expected) => Promise.resolve(asked.push(expected) === 0),
    };
    const error = await failureOf(rollBack(deployer, 1, deaf, items));
    expect(error).toMatchObject({ code: "deploy/other-secrets" });
    expect(error.message).not.toContain("another-config-segment");
    expect(asked).toEqual([{ revision: "hash-of---two", version: 2 }]);
    expect(api.edge.active.get(id)?.version).toBe(2);
  });

  it("goes back though another S3 key is set and not deployed yet, as long as the live version knows the token", async () => {
    const { api, deployer, id } = await withTwoVersions();
    const items = itemsWith({ SITEFLEET_EDGE_S3_KEY: "AKIAROTATED:another-secret" });
    await rollBack(deployer, 1, GOOD_EDGE, items);
    expect(api.edge.active.get(id)?.version).toBe(1);
  });

  it("puts the live version back when the earlier one fails verification", async () => {
    const { api, deployer, id } = await withTwoVersions();
    const checks: EdgeChecks = {
      ...GOOD_EDGE,
      verify: () => Promise.resolve({ ok: false, problems: ["old"] }),
    };
    await expect(rollBack(deployer, 1, checks)).rejects.toMatchObject({
      code: "deploy/verification-failed",
      message: "version 1 did not pass verification; version 2 was put back",
    });
    expect(api.edge.active.get(id)?.version).toBe(2);
  });

  it.each([9, 3])("refuses version %i, which does not exist or was never live", async (to) => {
    const { api, deployer, id } = await withTwoVersions();
    await api.call("PUT", `/service/${id}/version/1/clone`);
    await expect(rollBack(deployer, to)).rejects.toMatchObject({
      code: "deploy/invalid-version",
      hint: "versions that were live: 1, 2",
    });
  });

  it("goes back to the last version that was verified, and not to one that never was", async () => {
    const { api, deployer, id } = await withTwoVersions();
    // Version 3 goes live and its run is killed before it can prove it; version 4 is made from it.
    let dead = false;
    const proxy = await startFaultProxy(api.api.url, () => (dead ? "lost" : "pass"));
    const probe = (): Promise<boolean> => {
      dead = true;
      return Promise.reject(new Error("killed"));
    };
    const killed = deployerAt(proxy.url, { attempts: 1 });
    await failureOf(killed.deploy(desiredWith("# three"), { ...GOOD_EDGE, probe }));
    expect(await deployer.deploy(desiredWith("# four"))).toMatchObject({ version: 4, former: 3 });
    expect(await rollBack(deployer)).toMatchObject({ version: 2, former: 4 });
    expect(api.edge.active.get(id)?.version).toBe(2);
    // Another one goes further back, and not to the version that was just left.
    expect(await rollBack(deployer)).toMatchObject({ version: 1, former: 2 });
  });

  it("asks for a number when the live version does not say where it came from", async () => {
    const { api, deployer, id } = await withTwoVersions();
    await api.call("PUT", `/service/${id}/version/1/clone`);
    await api.call("PUT", `/service/${id}/version/3/activate`);
    await expect(rollBack(deployer)).rejects.toMatchObject({ code: "deploy/invalid-version" });
    expect(await rollBack(deployer, 2)).toMatchObject({ version: 2, former: 3 });
  });

  it("has nothing to go back to without service or live version", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await expect(rollBack(deployer)).rejects.toMatchObject({ code: "deploy/no-service" });
    await api.service("fleet-test");
    await expect(rollBack(deployer)).rejects.toMatchObject({ code: "deploy/invalid-version" });
  });

  it("is followed by a deploy that makes a new version of what is wanted", async () => {
    const { deployer } = await withTwoVersions();
    await rollBack(deployer);
    expect(await deployer.deploy(desiredWith("# two"))).toMatchObject({ version: 3, former: 1 });
  });
});
