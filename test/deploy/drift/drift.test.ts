import { describe, expect, it } from "vitest";
import { isEmptyPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import type { DeployPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import type { DesiredService } from "../../../src/deploy/service/desired.ts";
import { readLive } from "../../../src/deploy/live/live.ts";
import { formatPlan } from "../../../src/deploy/plan/plan-text.ts";
import { applyRollback, planRollback } from "../../../src/deploy/apply/rollback.ts";
import { formatStatus, toStatus } from "../../../src/deploy/plan/status.ts";
import type { SettingsInput } from "../../../src/settings/schema.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import { GOOD_EDGE, deployerAt, desiredWith, environmentWith } from "../deploy-fixture.ts";

type Fastly = SettingsInput["environments"][string]["fastly"];

const TABLES: Partial<Fastly> = {
  acls: { office: ["192.0.2.0/24"] },
  dictionaries: { flags: { items: { beta: "1", gamma: "1" } } },
};

function wanted(body = "# one", change: Partial<Fastly> = {}): DesiredService {
  return desiredWith(body, environmentWith({ fastly: { ...TABLES, ...change } }));
}

async function deployed() {
  const api = await startApi();
  const deployer = deployerAt(api.api.url);
  const { serviceId } = await deployer.deploy(wanted());
  const id = serviceId ?? "";
  const path = `/service/${id}`;
  /** Someone clones the live version, changes the clone and makes it live. */
  const byHand = async (
    version: number,
    calls: readonly (readonly [
      method: "POST" | "PUT" | "DELETE",
      path: string,
      form: Record<string, string>,
    ])[],
  ): Promise<void> => {
    await api.call("PUT", `${path}/version/${version}/clone`);
    for (const [method, rest, form] of calls) {
      const answer = await api.call(method, `${path}/version/${version + 1}/${rest}`, { form });
      if (answer.status !== 200) throw new Error(`${method} ${rest}: ${answer.text}`);
    }
    await api.call("PUT", `${path}/version/${version + 1}/activate`);
  };
  const live = async (desired = wanted()) => {
    const found = await readLive(deployer.client, desired.service, desired);
    if (!found?.active) throw new Error("nothing is live");
    return { ...found, active: found.active };
  };
  return { api, deployer, id, path, byHand, live };
}

function told({ drift }: Pick<DeployPlan, "drift">): readonly string[] {
  return drift.map(({ kind, name, change }) => `${kind} ${name} ${change}`);
}

describe("drift of a version", () => {
  it("tells what was made by hand from what is new in the settings, with both values", async () => {
    const { deployer, byHand } = await deployed();
    await byHand(1, [
      ["PUT", "backend/config", { first_byte_timeout: "60000" }],
      ["POST", "domain", { name: "hand.example.net" }],
      ["PUT", "settings", { "general.default_ttl": "10" }],
    ]);
    const plan = await deployer.plan(wanted("# two", { backends: { connectTimeout: 2_000 } }));
    expect(plan.drift).toEqual([
      {
        kind: "backend",
        name: "config",
        change: "changed",
        changes: [{ field: "first_byte_timeout", from: "15000", to: "60000" }],
        edit: "`s3`, `fastly.backends` or `fastly.shield` in the settings",
      },
      { kind: "domain", name: "hand.example.net", change: "added", changes: [], edit: null },
      {
        kind: "setting",
        name: "general.default_ttl",
        change: "changed",
        changes: [{ field: "value", from: "3600", to: "10" }],
        edit: null,
      },
    ]);
    expect(formatPlan(plan)).toContain(
      [
        "drift: changed by hand since sitefleet last wrote it; a deploy would undo it, and is refused without --overwrite or --adopt",
        '  ~ backend "config" was changed by hand: to keep it, edit `s3`, `fastly.backends` or `fastly.shield` in the settings',
        "      first_byte_timeout: 15000 -> 60000",
        '  + domain "hand.example.net" was added by hand: --adopt keeps it',
      ].join("\n"),
    );
  });

  it("is none where only the settings changed, nor where the hand did what the settings say", async () => {
    const { deployer, byHand } = await deployed();
    const more = wanted("# one", { domains: ["*.sites.example.net", "new.example.net"] });
    expect((await deployer.plan(more)).drift).toEqual([]);
    await byHand(1, [["POST", "domain", { name: "new.example.net" }]]);
    const plan = await deployer.plan(more);
    expect(told(plan)).toEqual([]);
    expect(plan.steps).toEqual([]);
  });

  it("refuses a service that somebody made, and takes it over when told to", async () => {
    const api = await startApi();
    const id = await api.service("fleet-test");
    const version = `/service/${id}/version/1`;
    await api.call("POST", `${version}/domain`, { form: { name: "*.sites.example.net" } });
    await api.call("POST", `${version}/backend`, { form: { name: "old", address: "192.0.2.1" } });
    await api.call("POST", `${version}/vcl`, { form: { name: "main", content: "# theirs", main: "true" } });
    await api.call("PUT", `${version}/activate`);
    const deployer = deployerAt(api.api.url);
    const plan = await deployer.plan(wanted());
    expect(told(plan)).toEqual(["backend old added", "vcl main added"]);
    await expect(deployer.apply(plan, wanted())).rejects.toMatchObject({ code: "deploy/drift" });
    await deployer.apply(await deployer.plan(wanted(), "overwrite"), wanted());
    expect(isEmptyPlan(await deployer.plan(wanted()))).toBe(true);
  });

  it("sees that a draft of ours was changed before somebody made it live", async () => {
    const { deployer, path, api } = await deployed();
    await deployer.deploy(wanted("BROKEN")).catch(() => undefined);
    await api.call("PUT", `${path}/version/2/vcl/main`, {
      form: { content: 'include "recv";\n# fixed by hand\n' },
    });
    await api.call("PUT", `${path}/version/2/activate`);
    const plan = await deployer.plan(wanted());
    expect(told(plan)).toEqual(["vcl main changed"]);
  });

  it("sees that somebody went back to an earlier version of ours, but not that we did", async () => {
    const { deployer, api, path, live } = await deployed();
    await deployer.deploy(wanted("# two"));
    await api.call("PUT", `${path}/version/1/activate`);
    const plan = await deployer.plan(wanted("# two"));
    expect(plan.drift).toMatchObject([
      { kind: "activation", name: "version 1", changes: [{ from: "2", to: "1" }] },
    ]);
    await deployer.apply(await deployer.plan(wanted("# two"), "overwrite"), wanted("# two"));
    const { client, clock } = deployer;
    const signal = new AbortController().signal;
    const back = await planRollback(client, { service: wanted().service, to: 1 });
    await applyRollback(back, { client, clock, signal, checks: GOOD_EDGE, progress: () => undefined });
    expect((await live()).active.number).toBe(1);
    expect((await deployer.plan(wanted("# two"))).drift).toEqual([]);
  });
});

describe("drift of items and entries", () => {
  it("is told for each, and not for those that the settings changed", async () => {
    const { deployer, api, path, live } = await deployed();
    const { active } = await live();
    const flags = `${path}/dictionary/${active.dictionaries.find(({ name }) => name === "flags")?.id ?? ""}`;
    const office = `${path}/acl/${active.acls[0]?.id ?? ""}`;
    await api.call("PUT", `${flags}/item/beta`, { form: { item_value: "by hand" } });
    await api.call("PUT", `${flags}/item/delta`, { form: { item_value: "new" } });
    await api.call("POST", `${office}/entry`, { form: { ip: "198.51.100.9" } });
    const next = wanted("# one", {
      dictionaries: { flags: { items: { beta: "1", gamma: "2" } } },
    });
    const plan = await deployer.plan(next);
    expect(plan.drift).toEqual([
      {
        kind: "item",
        name: "flags/beta",
        change: "changed",
        changes: [{ field: "value", from: "1", to: "by hand" }],
        edit: null,
      },
      {
        kind: "item",
        name: "flags/delta",
        change: "added",
        changes: [{ field: "value", from: "", to: "new" }],
        edit: null,
      },
      { kind: "entry", name: "office/198.51.100.9", change: "added", changes: [], edit: null },
    ]);
    await api.call("DELETE", `${flags}/item/gamma`);
    expect(told(await deployer.plan(wanted()))).toContain("item flags/gamma removed");
    await deployer.apply(await deployer.plan(next, "overwrite"), next);
    expect((await live(next)).active.content).toEqual(next.content);
    expect(isEmptyPlan(await deployer.plan(next))).toBe(true);
  });
});

describe("--adopt", () => {
  it("keeps domains, settings, items and entries, and later deploys keep them too", async () => {
    const { deployer, api, path, live } = await deployed();
    const { active } = await live();
    const flags = `${path}/dictionary/${active.dictionaries.find(({ name }) => name === "flags")?.id ?? ""}`;
    await api.call("PUT", `${flags}/item/delta`, { form: { item_value: "new" } });
    await api.call("DELETE", `${flags}/item/gamma`);
    await api.call("POST", `${path}/acl/${active.acls[0]?.id ?? ""}/entry`, {
      form: { ip: "198.51.100.9", comment: "home" },
    });
    const plan = await deployer.plan(wanted("# two"), "adopt");
    expect(plan.drift).toEqual([]);
    expect(plan.warnings).toContain(
      'item "flags/delta" was made by hand and is kept: settle it in `fastly.dictionaries` of the settings, or undo it with --overwrite',
    );
    await deployer.apply(plan, wanted("# two"));
    const check = async (body: string) => {
      const { content } = (await live()).active;
      expect(content.dictionaries.find(({ name }) => name === "flags")?.items).toEqual([
        { key: "beta", value: "1" },
        { key: "delta", value: "new" },
      ]);
      expect(content.acls[0]?.entries.map(({ ip }) => ip)).toEqual(["192.0.2.0", "198.51.100.9"]);
      const again = await deployer.plan(wanted(body));
      expect(again).toMatchObject({ steps: [], drift: [] });
      expect(again.warnings).toHaveLength(3);
    };
    await check("# two");
    await deployer.deploy(wanted("# three"));
    await check("# three");
    const settled = wanted("# three", {
      dictionaries: { flags: { items: { beta: "1", delta: "new" } } },
      acls: { office: ["192.0.2.0/24", { entry: "198.51.100.9", comment: "home" }] },
    });
    expect(await deployer.plan(settled)).toMatchObject({ warnings: [], drift: [] });
    await deployer.apply(await deployer.plan(wanted("# three"), "overwrite"), wanted("# three"));
    expect((await live()).active.content).toEqual(wanted("# three").content);
    expect(await deployer.plan(wanted("# three"))).toMatchObject({ steps: [], warnings: [] });
  });

  it("keeps a domain and a default TTL of a version made by hand", async () => {
    const { deployer, byHand, live } = await deployed();
    await byHand(1, [
      ["POST", "domain", { name: "hand.example.net" }],
      ["PUT", "settings", { "general.default_ttl": "10" }],
    ]);
    const result = await deployer.apply(await deployer.plan(wanted("# two"), "adopt"), wanted("# two"));
    expect(result).toMatchObject({ outcome: "deployed", version: 3 });
    const { content } = (await live()).active;
    expect(content.domains).toEqual(["*.sites.example.net", "hand.example.net"]);
    expect(content.settings["general.default_ttl"]).toBe(10);
    expect(await deployer.plan(wanted("# two"))).toMatchObject({ steps: [], drift: [] });
  });

  it("refuses by name what is rendered, and then keeps nothing", async () => {
    const { deployer, byHand, live } = await deployed();
    await byHand(1, [
      ["POST", "domain", { name: "hand.example.net" }],
      ["PUT", "settings", { "general.default_ttl": "10" }],
      ["PUT", "backend/config", { max_conn: "7" }],
    ]);
    const plan = await deployer.plan(wanted(), "adopt");
    expect(told(plan)).toEqual(["backend config changed"]);
    expect(plan.content.domains).toContain("hand.example.net");
    expect(plan.content.settings["general.default_ttl"]).toBe(10);
    await expect(deployer.apply(plan, wanted())).rejects.toMatchObject({
      code: "deploy/drift",
      details: expect.arrayContaining([
        '  ~ backend "config" was changed by hand: to keep it, edit `s3`, `fastly.backends` or `fastly.shield` in the settings',
      ]) as unknown,
    });
    expect((await live()).active.number).toBe(2);
  });

  it("stops keeping what somebody changed once more", async () => {
    const { deployer, api, path, live } = await deployed();
    const { active } = await live();
    const item = `${path}/dictionary/${active.dictionaries.find(({ name }) => name === "flags")?.id ?? ""}/item/beta`;
    await api.call("PUT", item, { form: { item_value: "2" } });
    await deployer.apply(await deployer.plan(wanted(), "adopt"), wanted());
    await api.call("PUT", item, { form: { item_value: "3" } });
    expect(told(await deployer.plan(wanted()))).toEqual(["item flags/beta changed"]);
  });
});

describe("status", () => {
  it("tells commit and author of each version, drafts, drift and what a deploy would do", async () => {
    const { deployer, api, path, byHand } = await deployed();
    const commit = "0123456789ab-dirty";
    await deployer.deploy({ ...wanted("# two"), commit });
    await api.call("PUT", `${path}/version/2/clone`);
    await byHand(3, [["POST", "domain", { name: "hand.example.net" }]]);
    const desired = wanted("# three");
    const status = toStatus(desired, await readLive(deployer.client, desired.service, desired));
    expect(status).toMatchObject({
      active: { number: 4, revision: null, commit: null },
      drafts: [{ number: 3 }],
      drift: [{ kind: "domain", name: "hand.example.net" }],
      pending: ['~ vcl "main"', '- domain "hand.example.net"'],
    });
    const text = formatStatus(status);
    expect(text).toMatch(/^active {3}version 4 .* {2}not made by sitefleet$/m);
    expect(text).toContain("drift    changed by hand since the last deploy:\n");
    await deployer.apply(await deployer.plan({ ...desired, commit }, "overwrite"), desired);
    const after = toStatus(desired, await readLive(deployer.client, desired.service, desired));
    expect(after.active).toMatchObject({ number: 5, commit, by: null, from: 4 });
    expect(formatStatus(after)).toContain(`commit ${commit}  revision hash-of---three`);
    expect(formatStatus(after)).toContain("drift    none: nothing was changed by hand");
  });
});
