import { describe, expect, it } from "vitest";
import { isEmptyPlan } from "../../../src/deploy/plan/deploy-plan.ts";
import { formatPlan } from "../../../src/deploy/plan/plan-text.ts";
import { startApi } from "../../mirror/api/api-fixture.ts";
import type { ApiFixture } from "../../mirror/api/api-fixture.ts";
import { startFaultProxy } from "../../support/fault-proxy.ts";
import { deployerAt, desiredWith, environmentWith } from "../deploy-fixture.ts";
import { LOG_SECRET, RICH, SECRETS, TOKEN_VALUE, activeOf, deployed, richly } from "./rich-service.ts";

async function logEndpoint(api: ApiFixture, place: { id: string; version: number }): Promise<unknown> {
  const path = `/service/${place.id}/version/${place.version}/logging/s3/sitefleet`;
  return (await api.call("GET", path)).json;
}

/** Values of a table as the edge has them now. */
function valuesOf(api: ApiFixture, table: string, keys: readonly string[]): readonly (string | undefined)[] {
  return keys.map((key) => api.compiler.last.tables.get(table)?.get(key));
}

function said(steps: readonly object[]): readonly string[] {
  return steps.map((step) => {
    const { do: what, kind, change } = { kind: "", change: "", do: "", ...step };
    return [what, kind, change].filter((word) => word !== "").join(" ");
  });
}

describe("a service with every kind of object", () => {
  it("is live as wanted, and then there is nothing to do", async () => {
    const desired = richly();
    const { api, deployer, id } = await deployed(desired);
    const active = await activeOf(deployer, desired);
    expect(active.content).toEqual(desired.content);
    expect(active.content.backends[0]).toMatchObject({
      connect_timeout: 2_000,
      first_byte_timeout: 20_000,
      between_bytes_timeout: 10_000,
      max_conn: 500,
      min_tls_version: "1.3",
    });
    expect(active.content.acls.find(({ name }) => name === "office")?.entries).toEqual([
      { ip: "192.0.2.7", subnet: null, negated: true, comment: "" },
      { ip: "192.0.2.0", subnet: 24, negated: false, comment: "" },
      { ip: "2001:db8::1", subnet: null, negated: false, comment: "VPN" },
    ]);
    expect(api.compiler.last.tables.get("tokens")?.get("partner")).toBe(TOKEN_VALUE);
    expect(api.compiler.last.tables.get("flags")?.get("beta")).toBe("1");
    expect(await logEndpoint(api, { id, version: 1 })).toMatchObject({
      bucket_name: "logs",
      access_key: "AKIALOGWRITER",
      secret_key: LOG_SECRET,
      placement: "none",
      period: "60",
    });
    expect(await deployer.plan(desired)).toMatchObject({
      steps: [],
      drift: [],
      warnings: [],
      unverified: null,
    });
  });

  it("costs no write and at most fifteen reads when nothing changed", async () => {
    const { api } = await deployed();
    const proxy = await startFaultProxy(api.api.url, () => "pass");
    expect(await deployerAt(proxy.url).deploy(richly())).toMatchObject({ outcome: "unchanged" });
    expect(proxy.writes()).toEqual([]);
    expect(proxy.calls.map(({ url }) => url).length).toBeLessThanOrEqual(8);
  });

  it("goes again where the settings no longer have it, and what others made stays", async () => {
    const { api, deployer, id } = await deployed();
    await api.call("PUT", `/service/${id}/version/1/clone`);
    await api.call("POST", `/service/${id}/version/2/acl`, { form: { name: "theirs" } });
    await api.call("PUT", `/service/${id}/version/2/activate`);
    const plain = desiredWith("# one", environmentWith({}, SECRETS));
    const plan = await deployer.plan(plain, "overwrite");
    expect(
      plan.steps.filter((step) => step.do === "drop").map(({ kind, name }) => `${kind} ${name}`),
    ).toEqual([
      "logging sitefleet",
      "snippet block office",
      "acl empty",
      "acl office",
      "dictionary flags",
      "dictionary tokens",
    ]);
    await deployer.apply(plan, plain);
    const active = await activeOf(deployer, plain);
    expect(active.content.acls).toEqual([{ name: "theirs", entries: [] }]);
    expect({ ...active.content, acls: [] }).toEqual(plain.content);
    const after = await deployer.plan(plain);
    expect(after).toMatchObject({ steps: [], drift: [] });
    expect(after.warnings).toEqual([`ACL "theirs" is not sitefleet's and stays as it is`]);
  });

  it("changes items and entries without a new version", async () => {
    const { api, deployer } = await deployed();
    const change = {
      acls: {
        office: ["192.0.2.0/24", { entry: "2001:db8::1", comment: "new VPN" }, "198.51.100.1"],
        empty: [],
      },
      dictionaries: { ...RICH.dictionaries, flags: { items: { beta: "2", gamma: "3" } } },
    };
    const desired = richly(change);
    const plan = await deployer.plan(desired);
    expect(said(plan.steps)).toEqual(["put-items", "put-entries", "put-record"]);
    expect(formatPlan(plan)).toContain(
      [
        '  ~ items of dictionary "flags"',
        "      beta: 1 -> 2",
        "      gamma: (unset) -> 3",
        "      a key/with=signs: (unset) -> (unset)",
        '  ~ entries of ACL "office"',
        "      + 198.51.100.1",
        "      + 2001:db8::1  # new VPN",
        "      - !192.0.2.7",
        "      - 2001:db8::1",
      ].join("\n"),
    );
    expect(await deployer.apply(plan, desired)).toMatchObject({ outcome: "items-updated", version: 1 });
    expect((await activeOf(deployer, desired)).content).toEqual(desired.content);
    expect(valuesOf(api, "flags", ["beta", "gamma", "a key/with=signs"])).toEqual(["2", "3", undefined]);
    expect(isEmptyPlan(await deployer.plan(desired))).toBe(true);
  });

  it("refuses to write a table that somebody changed after the plan was made", async () => {
    const { api, deployer, id } = await deployed();
    const dictionaries = { ...RICH.dictionaries, flags: { items: { beta: "2" } } };
    const plan = await deployer.plan(richly({ dictionaries }));
    const flags = (await activeOf(deployer, richly())).dictionaries.find(({ name }) => name === "flags");
    await api.call("PUT", `/service/${id}/dictionary/${flags?.id ?? ""}/item/gamma`, {
      form: { item_value: "theirs" },
    });
    await expect(deployer.apply(plan, richly({ dictionaries }))).rejects.toMatchObject({
      code: "deploy/changed-meanwhile",
      message: 'dictionary "flags" was changed after the plan was made',
    });
  });

  it("removes a key from a private dictionary, and writes one whose value is another", async () => {
    const { api, deployer } = await deployed();
    const items = { other: { env: "PARTNER_TOKEN" } };
    const desired = richly({ dictionaries: { ...RICH.dictionaries, tokens: { private: true, items } } });
    const plan = await deployer.plan(desired);
    expect(plan.steps[0]).toEqual({
      do: "put-private-items",
      dictionary: "tokens",
      keys: ["other"],
      remove: ["partner"],
    });
    await deployer.apply(plan, desired);
    expect(valuesOf(api, "tokens", ["other", "partner"])).toEqual([TOKEN_VALUE, undefined]);
    const rotated = richly(
      { dictionaries: { ...RICH.dictionaries, tokens: { private: true, items } } },
      { ...SECRETS, PARTNER_TOKEN: "another-partner-token" },
    );
    await deployer.deploy(rotated);
    expect(valuesOf(api, "tokens", ["other"])).toEqual(["another-partner-token"]);
    expect(isEmptyPlan(await deployer.plan(rotated))).toBe(true);
  });

  it("makes a snippet anew that was dynamic, and an endpoint of another kind under the same name", async () => {
    const api = await startApi();
    const deployer = deployerAt(api.api.url);
    const { serviceId } = await deployer.deploy(richly());
    const https = { kind: "https", fields: { url: "https://logs.example.net/", json_format: 1 } } as const;
    const desired = richly({ logging: https });
    const plan = await deployer.plan(desired);
    expect(said(plan.steps)).toEqual(["drop logging", "put logging create", "put-record"]);
    await deployer.apply(plan, desired);
    expect((await activeOf(deployer, desired)).content).toEqual(desired.content);
    expect(api.edge.active.get(serviceId ?? "")?.version).toBe(2);
    await api.call("PUT", `/service/${serviceId}/version/2/clone`);
    const snippets = `/service/${serviceId}/version/3/snippet`;
    await api.call("DELETE", `${snippets}/block%20office`);
    await api.call("POST", snippets, {
      form: { name: "block office", type: "recv", dynamic: "1", content: "# theirs" },
    });
    await api.call("PUT", `/service/${serviceId}/version/3/activate`);
    const repair = await deployer.plan(desired, "overwrite");
    expect(said(repair.steps)).toEqual(["drop snippet", "put snippet create"]);
    await deployer.apply(repair, desired);
    expect((await activeOf(deployer, desired)).content.snippets).toEqual(desired.content.snippets);
  });

  it("does not put its endpoint in the place of one that somebody else made under the name", async () => {
    const plain = desiredWith("# one", environmentWith({}, SECRETS));
    const { api, deployer, id } = await deployed(plain);
    await api.call("PUT", `/service/${id}/version/1/clone`);
    await api.call("POST", `/service/${id}/version/2/logging/papertrail`, {
      form: { name: "sitefleet", address: "logs.example.net" },
    });
    await api.call("PUT", `/service/${id}/version/2/activate`);
    const plan = await deployer.plan(richly());
    expect(plan.drift).toContainEqual({
      kind: "logging",
      name: "papertrail/sitefleet",
      change: "added",
      changes: [],
      edit: "`fastly.logging` in the settings",
    });
    await expect(deployer.apply(plan, richly())).rejects.toMatchObject({ code: "deploy/drift" });
    await deployer.apply(await deployer.plan(richly(), "overwrite"), richly());
    expect((await activeOf(deployer, richly())).content.loggings).toEqual(richly().content.loggings);
  });

  it("makes an endpoint of a kind whose fields are not all known, and changes it", async () => {
    const endpoint = (region: string) =>
      richly({ logging: { kind: "datadog", fields: { token: { env: "PARTNER_TOKEN" }, region } } });
    const { deployer } = await deployed(endpoint("US"));
    const plan = await deployer.plan(endpoint("EU"));
    expect(plan.steps).toMatchObject([
      { do: "put", kind: "logging", changes: [{ field: "region", from: "US", to: "EU" }] },
    ]);
    await deployer.apply(plan, endpoint("EU"));
    expect(isEmptyPlan(await deployer.plan(endpoint("EU")))).toBe(true);
  });

  it("writes an endpoint again when a secret of it is another, and never says which", async () => {
    const { api, deployer, id } = await deployed();
    const rotated = richly({}, { ...SECRETS, LOG_SECRET: "rotated-secret-of-the-log-writer" });
    const plan = await deployer.plan(rotated);
    expect(plan.steps).toMatchObject([
      {
        kind: "logging",
        object: { fields: { secret_key: { env: "LOG_SECRET" } } },
        changes: [{ field: "secret_key", from: "(not the value of LOG_SECRET)", to: "$LOG_SECRET" }],
      },
    ]);
    await deployer.apply(plan, rotated);
    expect(await logEndpoint(api, { id, version: 2 })).toMatchObject({
      secret_key: "rotated-secret-of-the-log-writer",
    });
  });
});
