import { describe, expect, it } from "vitest";
import type { EdgeChecks } from "../../../src/deploy/apply/activation.ts";
import { readLive } from "../../../src/deploy/live/live.ts";
import { applyRollback, planRollback } from "../../../src/deploy/apply/rollback.ts";
import { formatStatus, toStatus } from "../../../src/deploy/plan/status.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { GOOD_EDGE, deployerAt, desiredWith } from "../deploy-fixture.ts";
import type { Deployer } from "../deploy-fixture.ts";

const { service } = desiredWith();

async function withTwoVersions() {
  const api = await startApi();
  const deployer = deployerAt(api.api.url);
  const { serviceId } = await deployer.deploy(desiredWith("# one"));
  await deployer.deploy(desiredWith("# two"));
  return { api, deployer, id: serviceId ?? "" };
}

async function rollBack(deployer: Deployer, to?: number, checks: EdgeChecks = GOOD_EDGE) {
  const { client, clock, lines } = deployer;
  const plan = await planRollback(client, { service, to });
  const signal = new AbortController().signal;
  return applyRollback(plan, { client, clock, signal, checks, progress: (line) => lines.push(line) });
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

describe("status", () => {
  it("tells what is live, drafts and drift", async () => {
    const { api, deployer, id } = await withTwoVersions();
    await api.call("PUT", `/service/${id}/version/2/clone`);
    const live = await readLive(deployer.client, service);
    const status = toStatus(desiredWith("# three"), live);
    expect(status).toMatchObject({
      service: { id, name: "fleet-test" },
      active: { number: 2, revision: "hash-of---two" },
      drafts: [{ number: 3, revision: null }],
      lastChange: "verified",
      drift: [],
      pending: ['~ vcl "main"'],
    });
    const text = formatStatus(status);
    expect(text).toMatch(/^active {3}version 2 {2}2026-01-01T00:00:00Z {2}revision hash-of---two$/m);
    expect(text).toMatch(/^draft {4}version 3 /m);
    expect(formatStatus(toStatus(desiredWith("# two"), live))).toContain("pending  none");
  });

  it("tells that there is no service", () => {
    expect(formatStatus(toStatus(desiredWith(), undefined))).toBe("test: the service does not exist yet");
  });
});
