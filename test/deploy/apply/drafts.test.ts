import { describe, expect, it } from "vitest";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { deployerAt, desiredWith, failureOf, liveOf } from "../deploy-fixture.ts";

describe("drafts", () => {
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

  it("that earlier runs left are marked once another version is live, for Fastly cannot delete them", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(desiredWith());
    await failureOf(deployer.deploy(desiredWith("BROKEN")));
    await api.call("PUT", `/service/${serviceId}/version/1/clone`); // left by a run that died before its stamp
    await api.call("PUT", `/service/${serviceId}/version/1/clone`); // somebody works on this one
    const theirs = { form: { name: "mine.example.net" } };
    await api.call("POST", `/service/${serviceId}/version/4/domain`, theirs);
    await api.call("PUT", `/service/${serviceId}/version/1/clone`);
    await api.call("PUT", `/service/${serviceId}/version/5/activate`); // the base of version 2 is no longer live
    const desired = desiredWith("# two");
    const plan = await deployer.plan(desired, "overwrite");
    expect(await deployer.apply(plan, desired)).toMatchObject({ version: 6, former: 5 });
    const { versions } = await liveOf(deployer);
    const comments = new Map(versions.map(({ number, comment }) => [number, comment]));
    const abandoned = (number: number): string =>
      `sitefleet ${number} from 1: abandoned, nothing will be deployed from it`;
    expect([comments.get(2), comments.get(3)]).toEqual([abandoned(2), abandoned(3)]);
    expect(comments.get(4)).toBe(comments.get(1));
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    await deployerAt(proxy.url).deploy(desiredWith("# three"));
    expect(proxy.writes().filter((call) => /version\/[2-5]$/.test(call))).toEqual([]);
  });

  it("that cannot be marked do not make a deploy fail", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    await deployer.deploy(desiredWith());
    await failureOf(deployer.deploy(desiredWith("BROKEN")));
    await api.call("PUT", `/service/${(await liveOf(deployer)).id}/version/1/clone`);
    await api.call("PUT", `/service/${(await liveOf(deployer)).id}/version/3/activate`);
    const proxy = await startFaultProxy(api.api.url, (call) =>
      call.method === "PUT" && call.url.endsWith("/version/2") ? { status: 403 } : "pass",
    );
    const marking = deployerAt(proxy.url);
    const desired = desiredWith("# two");
    const plan = await marking.plan(desired, "overwrite");
    expect(await marking.apply(plan, desired)).toMatchObject({ outcome: "deployed", version: 4 });
    expect(marking.lines.join("\n")).toContain("version 2: a draft that is of no use any more, not marked");
  });
});
