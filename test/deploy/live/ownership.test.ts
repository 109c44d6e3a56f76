import { describe, expect, it } from "vitest";
import { formatPlan } from "../../../src/deploy/plan/plan-text.ts";
import { applyRollback, planRollback } from "../../../src/deploy/apply/rollback.ts";
import { ownedIn } from "../../../src/deploy/live/ownership.ts";
import { NO_RECORD } from "../../../src/deploy/live/state.ts";
import type { DeployPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import type { SettingsInput } from "../../../src/settings/schema.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import {
  BAD_EDGE,
  GOOD_EDGE,
  deployerAt,
  desiredWith,
  environmentWith,
  failureOf,
} from "../deploy-fixture.ts";
import type { Deployer } from "../deploy-fixture.ts";

type Fastly = SettingsInput["environments"][string]["fastly"];

const GUARD: Partial<Fastly> = {
  snippets: [{ name: "guard", type: "recv", content: "# guard" }],
  acls: { office: ["192.0.2.0/24"] },
  dictionaries: { flags: { items: { beta: "1" } } },
  logging: { kind: "https", fields: { url: "https://logs.example.net/" } },
};

function wanted(body: string, change: Partial<Fastly> = {}): DesiredService {
  return desiredWith(body, environmentWith({ fastly: change }));
}

function dropsOf({ steps }: DeployPlan): readonly string[] {
  return steps.flatMap((step) => (step.do === "drop" ? [`${step.kind} ${step.name}`] : []));
}

async function rollBack({ client, clock }: Deployer, desired: DesiredService, to: number): Promise<void> {
  const { signal } = new AbortController();
  const plan = await planRollback(client, { service: desired.service, to });
  await applyRollback(plan, { client, clock, signal, checks: GOOD_EDGE, progress: () => undefined });
}

describe("what is sitefleet's", () => {
  it("is dropped again by a deploy after a rollback to a version that has it", async () => {
    const deployer = deployerAt((await startApi()).api.url);
    const [first, second] = [wanted("# one", GUARD), wanted("# two")];
    await deployer.deploy(first);
    await deployer.deploy(second);
    await rollBack(deployer, second, 1);
    const plan = await deployer.plan(second);
    expect(plan.drift).toEqual([]);
    expect(dropsOf(plan)).toEqual(["logging sitefleet", "snippet guard", "acl office", "dictionary flags"]);
    await deployer.apply(plan, second);
    expect(await deployer.plan(second)).toMatchObject({ steps: [], warnings: [] });
  });

  it("is nothing that somebody makes under a name that was sitefleet's once", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(wanted("# one", GUARD));
    await deployer.deploy(wanted("# two"));
    const path = `/service/${serviceId ?? ""}/version`;
    await api.call("PUT", `${path}/2/clone`);
    const form = { name: "guard", type: "recv", content: "# theirs", dynamic: "0" };
    await api.call("POST", `${path}/3/snippet`, { form });
    await api.call("PUT", `${path}/3/activate`);
    const plan = await deployer.plan(wanted("# two"));
    expect(plan.drift).toEqual([]);
    expect(dropsOf(plan)).toEqual([]);
    expect(plan.warnings).toEqual([expect.stringContaining('snippets "guard": not made by sitefleet, kept')]);
  });

  it("reaches back to the last version that had it, and no further", () => {
    const record = { ...NO_RECORD, owned: ["acl/a"], former: ["snippet/a@b@4", "acl/c@2"] };
    expect([...ownedIn(record, 2)]).toEqual(["acl/a", "snippet/a@b", "acl/c"]);
    expect([...ownedIn(record, 4)]).toEqual(["acl/a", "snippet/a@b"]);
    expect([...ownedIn(record, 5)]).toEqual(["acl/a"]);
  });
});

describe("a version whose comment somebody edited", () => {
  it("is sitefleet's still, and no drift", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(wanted("# one"));
    await deployer.deploy(wanted("# two"));
    const path = `/service/${serviceId ?? ""}/version`;
    const edit = (version: number): Promise<unknown> =>
      api.call("PUT", `${path}/${version}`, { form: { comment: "Release 12" } });
    await edit(2);
    expect(await deployer.plan(wanted("# two"))).toMatchObject({ steps: [], drift: [] });
    expect((await deployer.plan(wanted("# three"))).drift).toEqual([]);
    await rollBack(deployer, wanted("# two"), 1);
    await edit(1);
    expect((await deployer.plan(wanted("# three"))).drift).toEqual([]);
  });

  it("is not, when somebody went back to it by hand", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(wanted("# one"));
    await deployer.deploy(wanted("# two"));
    const path = `/service/${serviceId ?? ""}/version/1`;
    await api.call("PUT", path, { form: { comment: "good" } });
    await api.call("PUT", `${path}/activate`);
    expect((await deployer.plan(wanted("# two"))).drift).not.toEqual([]);
  });
});

describe("a deploy that was taken back", () => {
  it("leaves nothing to do, and nothing that looks as if a hand had made it", async () => {
    const deployer = deployerAt((await startApi()).api.url);
    await deployer.deploy(wanted("# one"));
    await expect(deployer.deploy(wanted("# two", GUARD), BAD_EDGE)).rejects.toMatchObject({
      code: "deploy/verification-failed",
    });
    expect(await deployer.plan(wanted("# one"))).toMatchObject({ steps: [], drift: [], unverified: null });
    await deployer.deploy(wanted("# three"));
    expect(await deployer.plan(wanted("# three"))).toMatchObject({ steps: [], drift: [] });
  });
});

describe("logging endpoints of others", () => {
  it("are told in every kind, in the version that somebody made and in all that come after it", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(wanted("# one"));
    const path = `/service/${serviceId ?? ""}/version`;
    await api.call("PUT", `${path}/1/clone`);
    const form = { name: "theirs", address: "logs.example.net", port: "514" };
    await api.call("POST", `${path}/2/logging/papertrail`, { form });
    await api.call("PUT", `${path}/2/activate`);
    const said = 'logging endpoint "theirs" is not sitefleet\'s and stays as it is';
    expect((await deployer.plan(wanted("# one"))).warnings).toEqual([said]);
    await deployer.deploy(wanted("# two"));
    expect(await deployer.plan(wanted("# two"))).toMatchObject({ steps: [], warnings: [said] });
  });

  it("cost no read where sitefleet's own version is live", async () => {
    const api = await startApi();
    await deployerAt(api.api.url).deploy(wanted("# one"));
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    await deployerAt(proxy.url).plan(wanted("# one"));
    expect(proxy.calls).toHaveLength(3);
  });
});

describe("a service that somebody made", () => {
  it("is taken over once, and the refusal leads there", async () => {
    const api = await startApi();
    const version = `/service/${await api.service("fleet-test")}/version/1`;
    await api.call("POST", `${version}/domain`, { form: { name: "theirs.example.net" } });
    await api.call("POST", `${version}/backend`, { form: { name: "old", address: "192.0.2.1" } });
    await api.call("PUT", `${version}/activate`);
    const deployer = deployerAt(api.api.url);
    const plan = await deployer.plan(wanted("# one"));
    expect(plan.takeover).toBe(true);
    expect(formatPlan(plan)).toContain("the first deploy takes it over, with --overwrite once\n");
    const refusal = await failureOf(deployer.apply(plan, wanted("# one")));
    expect(refusal).toMatchObject({ code: "deploy/drift" });
    expect(refusal.message).toBe(
      "the live version is not sitefleet's, and 2 things in it are not as the settings say",
    );
    expect(refusal.hint).toMatch(/put what has to stay into the settings, .* with --overwrite: .* once$/);
    await deployer.apply(await deployer.plan(wanted("# one"), "overwrite"), wanted("# one"));
    expect(await deployer.plan(wanted("# one"))).toMatchObject({ takeover: false, drift: [], steps: [] });
  });
});

describe("reads of a plan", () => {
  it("are three, and one for each table, however many there are", async () => {
    const names = Array.from({ length: 13 }, (_, index) => `table_${index}`);
    const dictionaries = Object.fromEntries(names.map((name) => [name, { items: { key: name } }]));
    const api = await startApi();
    await deployerAt(api.api.url).deploy(wanted("# one", { dictionaries }));
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    expect((await deployerAt(proxy.url).plan(wanted("# one", { dictionaries }))).steps).toEqual([]);
    expect(proxy.calls).toHaveLength(3 + names.length);
  });
});
