import { describe, expect, test } from "vitest";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { field, startApi } from "./api-fixture.ts";
import { addressOf, startWhole } from "./whole-fixture.ts";

describe("pools", () => {
  test("and their servers have the recorded shapes", async () => {
    const { call, service } = await startApi();
    const id = await service();
    const path = `/service/${id}/version/1/pool`;
    const form = { name: "test_pool", comment: "test pool", quorum: "50", use_tls: "1", type: "random" };
    const made = await call("POST", path, { form });
    expect(made.json).toMatchObject({
      ...form,
      version: "1",
      max_conn_default: "200",
      tls_check_cert: "1",
      connect_timeout: "1000",
      first_byte_timeout: "15000",
      between_bytes_timeout: "10000",
      request_condition: null,
      deleted_at: null,
    });
    expect((await call("POST", path, { form: { name: "plain" } })).json).toMatchObject({ quorum: 75 });
    const changed = await call("PUT", `${path}/test_pool`, { form: { type: "hash", quorum: "0" } });
    expect(changed.json).toMatchObject({ type: "hash", quorum: "0", id: field(made.json, "id") });
    const pool = `/service/${id}/pool/${String(field(made.json, "id"))}`;
    const server = await call("POST", `${pool}/server`, { form: { address: "127.0.0.1" } });
    const shape = { address: "127.0.0.1", port: "80", weight: "100", max_conn: "0", disabled: false };
    const place = { service_id: id, pool_id: field(made.json, "id"), deleted_at: null };
    expect(server.json).toMatchObject({ ...shape, ...place, comment: "", override_host: null });
    const one = `${pool}/server/${String(field(server.json, "id"))}`;
    expect((await call("PUT", one, { form: { weight: "50" } })).json).toMatchObject({ weight: "50" });
    expect((await call("GET", `${pool}/servers`)).json).toEqual([(await call("GET", one)).json]);
    for (const wrong of [{ address: "" }, { address: "a b" }, { weight: "0" }, { port: "70000" }]) {
      expect((await call("PUT", one, { form: { ...wrong } })).status).toBe(400);
    }
    expect((await call("DELETE", one)).json).toEqual({ status: "ok" });
    expect((await call("GET", one)).status).toBe(404);
    expect(
      (await call("GET", `/service/${await service("other")}/pool/${pool.slice(-22)}/servers`)).status,
    ).toBe(404);
  });

  test("take the requests of their condition; servers come and go without a new version", async () => {
    const { add, call, id, activate, visit } = await startWhole();
    const names = ["one", "two"];
    const servers = await Promise.all(names.map(async (body) => startScriptedServer(() => ({ body }))));
    await add("condition", { name: "pooled", type: "REQUEST", statement: 'req.url ~ "^/pool"' });
    const made = await add("pool", { name: "my pool", quorum: "0", request_condition: "pooled" });
    await activate();
    expect((await visit("/pool/a")).text).toBe("body of /pool/a");
    const path = `/service/${id}/pool/${String(field(made.json, "id"))}/server`;
    const added = await Promise.all(
      servers.map(async (server) => call("POST", path, { form: { ...addressOf(server) } })),
    );
    const seen = async (prefix: string): Promise<ReadonlySet<string>> => {
      const urls = Array.from({ length: 16 }, (_, n) => `/pool/${prefix}${n}`);
      return new Set(await Promise.all(urls.map(async (url) => (await visit(url, {}, "POST")).text)));
    };
    expect(await seen("b")).toEqual(new Set(names));
    const first = `${path}/${String(field(added[0]?.json, "id"))}`;
    await call("PUT", first, { form: { disabled: "1" } });
    expect(await seen("c")).toEqual(new Set(["two"]));
    expect((await visit("/else")).text).toBe("body of /else");
  });
});
