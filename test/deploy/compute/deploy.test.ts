import { describe, expect, test } from "vitest";
import { applyRollback, planRollback } from "../../../src/deploy/apply/rollback.ts";
import { storeOf } from "../../../src/deploy/compute/stores.ts";
import type { LiveService } from "../../../src/deploy/live/live.ts";
import { isOwnVersion } from "../../../src/deploy/live/stamp.ts";
import { formatPlanFile, parsePlanFile } from "../../../src/deploy/plan/plan-file.ts";
import { formatPlan } from "../../../src/deploy/plan/plan-text.ts";
import { formatStatus, toStatus } from "../../../src/deploy/plan/status.ts";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { Secret } from "../../../src/lib/secret.ts";
import { startApi, TOKEN } from "../../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { InstantClock } from "../../support/instant-clock.ts";
import {
  BAD_EDGE,
  deployerAt,
  desiredWith,
  failureOf,
  GOOD_EDGE,
  liveOf,
  SECRET_VALUES,
  VARIABLES,
} from "../deploy-fixture.ts";
import type { Deployer } from "../deploy-fixture.ts";
import { computeEnvironment, packageWith, wantedCompute } from "./compute-fixture.ts";

const SHORT = computeEnvironment({ ttl: { page: 600 } });

async function deployed(): Promise<{
  readonly api: ApiFixture;
  readonly deployer: Deployer;
  readonly desired: DesiredService;
  readonly serviceId: string;
}> {
  const api = await startApi();
  const deployer = deployerAt(api.api.url);
  const desired = await wantedCompute();
  const { serviceId } = await deployer.deploy(desired);
  return { api, deployer, desired, serviceId: serviceId ?? "" };
}

/** The items of a store by key. */
async function itemsOf(
  { client }: Deployer,
  live: LiveService,
  role: "settings" | "state",
): Promise<ReadonlyMap<string, string>> {
  const items = await client.stores.listConfigItems(storeOf(live.stores, role)?.id ?? "");
  return new Map(items.map(({ item_key, item_value }) => [item_key, item_value]));
}

/** What the edge of the mirror gives the app. */
function settingsAt({ edge }: ApiFixture, serviceId: string): unknown {
  const service = edge.compute.get(serviceId);
  const store = service?.content.configStores.get("sitefleet_settings");
  return JSON.parse(store?.get(`settings-${service?.version ?? 0}`) ?? "null");
}

async function rollBack({ client }: Deployer, desired: DesiredService, to?: number): Promise<void> {
  const plan = await planRollback(client, { service: desired.service, to });
  const clock = new InstantClock();
  const { signal } = new AbortController();
  await applyRollback(plan, { client, checks: GOOD_EDGE, clock, signal, progress: () => undefined });
}

describe("a Compute service", () => {
  test("is made with its package, stores, links, backends and domains, and goes live", async () => {
    const { api, deployer, desired, serviceId } = await deployed();
    const service = api.edge.compute.get(serviceId);
    expect(service).toMatchObject({ version: 1, domains: ["*.sites.example.net"] });
    expect(service?.content.package).toMatchObject({ name: "sitefleet", mirrorOnly: true });
    expect([...(service?.content.backends.keys() ?? [])]).toEqual(["config", "hosting"]);
    expect(settingsAt(api, serviceId)).toMatchObject({ environment: "test", revision: desired.revision });
    const secrets = service?.content.secretStores.get("sitefleet_private");
    expect(Buffer.from(secrets?.get("config_segment") ?? []).toString()).toBe("hidden-config-segment");
    const live = await liveOf(deployer, desired);
    expect(live.state.journal).toMatchObject({ state: "verified", version: 1, former: null });
    expect((await itemsOf(deployer, live, "state")).get("service")).toBe(serviceId);
    const settings = await itemsOf(deployer, live, "settings");
    expect([...settings.keys()]).toEqual(["settings", "settings-1"]);
    expect(settings.get("settings")).toBe(settings.get("settings-1"));
  });

  test("that is as wanted is left alone, which takes few reads", async () => {
    const { api, desired } = await deployed();
    const calls: string[] = [];
    const proxy = await startFaultProxy(api.api.url, ({ method, url }) => {
      calls.push(`${method} ${url}`);
      return "pass";
    });
    const result = await deployerAt(proxy.url).deploy(desired);
    expect(result).toMatchObject({ outcome: "unchanged", version: 1 });
    expect(calls.filter((call) => !call.startsWith("GET "))).toEqual([]);
    expect(calls.length).toBeLessThanOrEqual(15);
  });

  test("gets a new version for a setting, and the package is not sent again", async () => {
    const { api, deployer, serviceId } = await deployed();
    const desired = await wantedCompute(SHORT);
    const plan = await deployer.plan(desired);
    expect(plan.steps.map((step) => step.do)).toEqual(["put-app-settings"]);
    expect(formatPlan(plan)).toContain("      ttl.page: 31536000 -> 600\n");
    expect(await deployer.apply(plan, desired)).toMatchObject({ outcome: "deployed", version: 2, former: 1 });
    expect(settingsAt(api, serviceId)).toMatchObject({ ttl: { page: 600 }, revision: desired.revision });
  });

  test("gets another package with its old and new hash, and settings of its own", async () => {
    const { api, deployer, serviceId } = await deployed();
    const desired = await wantedCompute(undefined, await packageWith("two"));
    const plan = await deployer.plan(desired);
    expect(formatPlan(plan)).toMatch(/~ package [0-9a-f]{12} \(\d+ bytes\) -> [0-9a-f]{12} \(\d+ bytes\)/);
    await deployer.apply(plan, desired);
    expect(api.edge.compute.get(serviceId)?.content.package.filesHash).toBe(desired.package?.filesHash);
    const status = toStatus(desired, await liveOf(deployer, desired));
    expect(formatStatus(status)).toContain(`package  ${desired.package?.filesHash.slice(0, 12) ?? ""}`);
    expect(status).toMatchObject({ drift: [], pending: [], lastChange: "verified" });
  });

  test("has its old settings back after a rollback, which are then those of all", async () => {
    const { api, deployer, desired, serviceId } = await deployed();
    await deployer.deploy(await wantedCompute(SHORT));
    await rollBack(deployer, desired);
    expect(api.edge.compute.get(serviceId)?.version).toBe(1);
    expect(settingsAt(api, serviceId)).toMatchObject({ ttl: { page: 31_536_000 } });
    const settings = await itemsOf(deployer, await liveOf(deployer, desired), "settings");
    expect(settings.get("settings")).toBe(settings.get("settings-1"));
    expect((await deployer.plan(desired)).steps).toEqual([]);
  });

  test("is not rolled back to a version whose settings are gone", async () => {
    const { deployer, desired } = await deployed();
    await deployer.deploy(await wantedCompute(SHORT));
    const { stores } = await liveOf(deployer, desired);
    const id = storeOf(stores, "settings")?.id ?? "";
    await deployer.client.stores.changeConfigItems(id, { put: [], remove: ["settings-1"] });
    const error = await failureOf(rollBack(deployer, desired, 1));
    expect(error).toMatchObject({
      code: "deploy/invalid-version",
      message: "the settings of version 1 are gone",
    });
  });

  test("that does not pass verification has its former version back, and the settings of all stay", async () => {
    const { api, deployer, desired, serviceId } = await deployed();
    const error = await failureOf(deployer.deploy(await wantedCompute(SHORT), BAD_EDGE));
    expect(error.code).toBe("deploy/verification-failed");
    expect(api.edge.compute.get(serviceId)?.version).toBe(1);
    const settings = await itemsOf(deployer, await liveOf(deployer, desired), "settings");
    expect(JSON.parse(settings.get("settings") ?? "")).toMatchObject({ ttl: { page: 31_536_000 } });
  });

  test("keeps the settings of the newest 50 versions", async () => {
    const { deployer, desired } = await deployed();
    const { stores } = await liveOf(deployer, desired);
    const id = storeOf(stores, "settings")?.id ?? "";
    const put = Array.from({ length: 60 }, (_, index) => ({ key: `settings-${index + 100}`, value: "{}" }));
    await deployer.client.stores.changeConfigItems(id, { put, remove: [] });
    await deployer.deploy(await wantedCompute(SHORT));
    const keys = [...(await itemsOf(deployer, await liveOf(deployer, desired), "settings")).keys()];
    expect(keys).toHaveLength(51);
    expect(keys).toEqual(expect.arrayContaining(["settings", "settings-1", "settings-2", "settings-159"]));
    expect(keys).not.toContain("settings-100");
  });
});

describe("secrets of a Compute service", () => {
  test("are in no plan, plan file, progress line or store of settings and state", async () => {
    const { api, deployer, desired } = await deployed();
    const changed = await wantedCompute(SHORT);
    const plan = await deployer.plan(changed);
    const live = await liveOf(deployer, desired);
    const file = formatPlanFile(plan, { desired: changed, secrets: [new Secret(TOKEN)] });
    expect(parsePlanFile(file, { desired: changed, secrets: [], file: "plan.json" })).toEqual(plan);
    const items = [await itemsOf(deployer, live, "settings"), await itemsOf(deployer, live, "state")];
    const said = [
      file,
      formatPlan(plan),
      ...deployer.lines,
      JSON.stringify(items.map((one) => [...one])),
    ].join();
    for (const secret of SECRET_VALUES) {
      expect(said).not.toContain(secret);
      expect(said).not.toContain(Buffer.from(secret).toString("base64"));
    }
    expect(api.edge.compute.size).toBe(1);
  });

  test("are written again where the variable has another value, without a new version", async () => {
    const { api, deployer, serviceId } = await deployed();
    const variables = { ...VARIABLES, SITEFLEET_CONFIG_SEGMENT: "another-config-segment" };
    const desired = await wantedCompute(computeEnvironment({}, variables));
    expect((await deployer.plan(desired)).steps.map((step) => step.do)).toEqual(["put-private-items"]);
    expect(await deployer.deploy(desired)).toMatchObject({ outcome: "items-updated", version: 1 });
    const secrets = api.edge.compute.get(serviceId)?.content.secretStores.get("sitefleet_private");
    expect(Buffer.from(secrets?.get("config_segment") ?? []).toString()).toBe("another-config-segment");
    expect((await deployer.plan(desired)).steps).toEqual([]);
  });

  test("are written again where somebody else wrote one", async () => {
    const { deployer, desired } = await deployed();
    const id = storeOf((await liveOf(deployer, desired)).stores, "private")?.id ?? "";
    await deployer.client.stores.putSecret(id, { name: "config_segment", value: new Secret("by-hand-1") });
    expect((await deployer.plan(desired)).steps.map((step) => step.do)).toEqual(["put-private-items"]);
    await deployer.deploy(desired);
    expect((await deployer.plan(desired)).steps).toEqual([]);
  });
});

describe("a change by hand of a Compute service", () => {
  test("of the settings of the live version is drift, field by field", async () => {
    const { deployer, desired } = await deployed();
    const live = await liveOf(deployer, desired);
    const text = (await itemsOf(deployer, live, "settings")).get("settings-1") ?? "";
    const value = text.replace('"page":31536000', '"page":7');
    const id = storeOf(live.stores, "settings")?.id ?? "";
    await deployer.client.stores.changeConfigItems(id, { put: [{ key: "settings-1", value }], remove: [] });
    const plan = await deployer.plan(desired);
    expect(plan.drift).toEqual([
      {
        kind: "app-settings",
        name: "settings-1",
        change: "changed",
        changes: [{ field: "ttl.page", from: "31536000", to: "7" }],
        edit: "the settings",
      },
    ]);
    expect((await failureOf(deployer.apply(plan, desired))).code).toBe("deploy/drift");
    await deployer.apply(await deployer.plan(desired, "overwrite"), desired);
    expect(await deployer.plan(desired)).toMatchObject({ steps: [], drift: [] });
  });

  test("of package, backends and domains is drift of the version that somebody made", async () => {
    const { api, deployer, desired, serviceId } = await deployed();
    const { number } = await deployer.client.cloneVersion({ serviceId, version: 1 });
    const ref = { serviceId, version: number };
    await deployer.client.compute.uploadPackage(ref, (await packageWith("by hand")).bytes);
    const path = `/service/${serviceId}/version/${number}`;
    await api.call("PUT", `${path}/backend/config`, { form: { address: "192.0.2.9" } });
    await api.call("POST", `${path}/domain`, { form: { name: "by-hand.example.net" } });
    await deployer.client.activateVersion(ref);
    const { drift, takeover } = await deployer.plan(desired);
    expect(takeover).toBe(false);
    expect(drift.map(({ kind, name, change }) => [kind, name, change])).toEqual([
      ["backend", "config", "changed"],
      ["domain", "by-hand.example.net", "added"],
      ["package", "package", "changed"],
    ]);
    await deployer.apply(await deployer.plan(desired, "overwrite"), desired);
    expect(await deployer.plan(desired)).toMatchObject({ steps: [], drift: [] });
  });
});

describe("a link that somebody made by hand", () => {
  /** A version in which somebody linked a store of their own, live. */
  async function linkedByHand() {
    const { api, deployer, desired, serviceId } = await deployed();
    const { number } = await deployer.client.cloneVersion({ serviceId, version: 1 });
    const ref = { serviceId, version: number };
    const { id: storeId } = await deployer.client.stores.createConfigStore("team-flags");
    await deployer.client.compute.putLink(ref, { name: "flags", storeId });
    await deployer.client.activateVersion(ref);
    const linksAt = async (version: number): Promise<readonly string[]> =>
      (await deployer.client.compute.listLinks({ serviceId, version })).map(({ name }) => name).sort();
    return { api, deployer, desired, linksAt };
  }

  const KEPT = 'link "flags" is not sitefleet\'s and stays as it is';
  const ALL = ["flags", "sitefleet_private", "sitefleet_settings"];

  test("is told with each plan, and stays through deploys, whose versions are ours for all that", async () => {
    const { deployer, desired, linksAt } = await linkedByHand();
    expect(await deployer.plan(desired)).toMatchObject({ steps: [], drift: [], warnings: [KEPT] });
    const changed = await wantedCompute(SHORT);
    expect(await deployer.deploy(changed)).toMatchObject({ outcome: "deployed", version: 3, former: 2 });
    expect(await linksAt(3)).toEqual(ALL);
    expect(await deployer.plan(changed)).toMatchObject({ steps: [], drift: [], warnings: [KEPT] });
    const live = await liveOf(deployer, changed);
    expect(live.active && isOwnVersion(live.active)).toBe(true);
    const status = toStatus(changed, live);
    expect(formatStatus(status)).toContain(KEPT);
  });

  test("keeps no draft from being completed", async () => {
    const { api, deployer, linksAt } = await linkedByHand();
    const changed = await wantedCompute(SHORT);
    const proxy = await startFaultProxy(api.api.url, ({ url }) =>
      url.endsWith("/validate") ? "lost" : "pass",
    );
    const cut = deployerAt(proxy.url, { attempts: 1 });
    expect((await failureOf(cut.deploy(changed))).code).toBe("fastly/unreachable");
    expect(await deployer.deploy(changed)).toMatchObject({ outcome: "deployed", version: 3 });
    expect(await linksAt(3)).toEqual(ALL);
  });
});

describe("a version of a Compute service that Fastly finds invalid", () => {
  test("is told as such, with Fastly's reason, and goes live nowhere", async () => {
    const { api, serviceId } = await deployed();
    const message = "Version has no associated domains";
    const proxy = await startFaultProxy(api.api.url, ({ url }) =>
      url.endsWith("/validate")
        ? {
            status: 200,
            body: { status: "error", msg: message, errors: [message], warnings: [], messages: [] },
          }
        : "pass",
    );
    const error = await failureOf(deployerAt(proxy.url).deploy(await wantedCompute(SHORT)));
    expect(error).toMatchObject({
      code: "deploy/invalid-service",
      exitCode: 1,
      details: [message, "nothing was activated"],
    });
    expect(error.message).toBe("Fastly finds version 2 invalid");
    expect(error.hint).not.toContain("template");
    expect(api.edge.compute.get(serviceId)?.version).toBe(1);
  });
});

describe("targets", () => {
  test("of a service are for life: the plan says so, with the way", async () => {
    const { deployer } = await deployed();
    const error = await failureOf(deployer.plan(desiredWith()));
    expect(error).toMatchObject({
      code: "compute/other-target",
      message: 'the settings want target "vcl", and service "fleet-test" is a Compute service',
    });
    expect(error.hint).toContain("fastly.serviceName");
  });

  test("that lack a feature of the settings are told with each plan", async () => {
    const environment = computeEnvironment({
      fastly: {
        serviceName: "fleet-test",
        shield: "iad-va-us",
        domains: ["*.sites.example.net"],
        acls: { office: ["192.0.2.0/24"] },
      },
    });
    const desired = await wantedCompute(environment);
    expect(desired.notes).toEqual([
      'no effect with target "compute": `fastly.shield`: the Compute app has no shielding, every POP asks S3 itself',
      'no effect with target "compute": `fastly.acls`: only VCL reads "office", which are not written',
    ]);
    expect(desired.content.backends.every(({ shield }) => shield === "")).toBe(true);
  });

  test("need a package, and stores of a name that no other service has", async () => {
    const { deployer, desired } = await deployed();
    const other = { ...desired, service: { ...desired.service, name: "another" } };
    const error = await failureOf(deployer.deploy(other));
    expect(error.code).toBe("compute/store-taken");
  });

  test("refuse settings that no item can hold, and name the field", async () => {
    const suffixes = Array.from({ length: 300 }, (_, index) => [`.suffix-${index}.example.net`, "staging"]);
    const environment = computeEnvironment({ hostSuffixes: Object.fromEntries(suffixes) });
    const error = await failureOf(wantedCompute(environment));
    expect(error.code).toBe("compute/settings-too-long");
    expect(error.message).toContain("environments.test.hostSuffixes");
  });
});
