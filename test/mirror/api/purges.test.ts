import { describe, expect, test } from "vitest";
import { field, startApi } from "./api-fixture.ts";

const PURGE_ID = /^\d+-\d+-\d+$/;

describe("purging", () => {
  test("one key, percent-encoded, hard or soft", async () => {
    const { call, service, edge } = await startApi();
    const id = await service();
    const answer = await call("POST", `/service/${id}/purge/${encodeURIComponent("d:exämple.com/ü")}`);
    expect(answer.json).toMatchObject({ status: "ok" });
    expect(field(answer.json, "id")).toMatch(PURGE_ID);
    await call("POST", `/service/${id}/purge/k`, { headers: { "fastly-soft-purge": "1" } });
    expect(edge.purges).toEqual([
      { serviceId: id, scope: { kind: "keys", keys: ["d:exämple.com/ü"] }, soft: false },
      { serviceId: id, scope: { kind: "keys", keys: ["k"] }, soft: true },
    ]);
  });

  test("a batch by header or JSON answers a flat map of ids", async () => {
    const { call, service, edge } = await startApi();
    const id = await service();
    const byHeader = await call("POST", `/service/${id}/purge`, {
      headers: { "surrogate-key": "foo bar  baz" },
    });
    expect(Object.keys(Object(byHeader.json))).toEqual(["foo", "bar", "baz"]);
    const byJson = await call("POST", `/service/${id}/purge`, {
      json: { surrogate_keys: ["a b", "__proto__"] },
    });
    expect(field(byJson.json, "a b")).toMatch(PURGE_ID);
    expect(field(byJson.json, "__proto__")).toMatch(PURGE_ID);
    expect(edge.purges.map(({ scope }) => scope)).toEqual([
      { kind: "keys", keys: ["foo", "bar", "baz"] },
      { kind: "keys", keys: ["a b", "__proto__"] },
    ]);
  });

  test("256 long keys fit in one header, 257 are refused, and so is a key over 1 KB", async () => {
    const { call, service, edge } = await startApi();
    const id = await service();
    const keys = Array.from({ length: 257 }, (_, i) => `${i}-${"k".repeat(1000)}`);
    const header = (count: number) => ({ headers: { "surrogate-key": keys.slice(0, count).join(" ") } });
    expect((await call("POST", `/service/${id}/purge`, header(256))).status).toBe(200);
    expect((await call("POST", `/service/${id}/purge`, header(257))).status).toBe(400);
    expect((await call("POST", `/service/${id}/purge/${"k".repeat(1025)}`)).status).toBe(400);
    expect((await call("POST", `/service/${id}/purge`)).status).toBe(400);
    expect(edge.purges).toHaveLength(1);
  });

  test("all is always hard", async () => {
    const { call, service, edge } = await startApi();
    const id = await service();
    const soft = { headers: { "fastly-soft-purge": "1" } };
    expect((await call("POST", `/service/${id}/purge_all`, soft)).json).toEqual({ status: "ok" });
    expect(edge.purges).toEqual([{ serviceId: id, scope: { kind: "all" }, soft: false }]);
  });

  test("a URL goes to the service of its host: exact, longest wildcard, then the pinned one", async () => {
    let pinned: string | null = null;
    const { call, service, edge } = await startApi({ pinnedService: () => pinned });
    const names = ["a.example.com", "*.example.com", "*.sub.example.com"];
    const ids: string[] = [];
    for (const name of names) {
      const id = await service(name);
      await call("POST", `/service/${id}/version/1/domain`, { form: { name } });
      await call("PUT", `/service/${id}/version/1/activate`);
      ids.push(id);
    }
    for (const host of ["a.example.com", "B.example.com:8080", "x.y.sub.example.com"]) {
      expect((await call("POST", `/purge/${host}/p%20q/?a=1&b=/x`)).status).toBe(200);
    }
    expect(edge.purges.map(({ serviceId }) => serviceId)).toEqual(ids);
    expect(edge.purges[1]?.scope).toEqual({
      kind: "url",
      host: "b.example.com",
      pathAndQuery: "/p%20q/?a=1&b=/x",
    });
    await call("POST", "/purge/https://a.example.com");
    expect(edge.purges[3]?.scope).toEqual({ kind: "url", host: "a.example.com", pathAndQuery: "/" });
    expect((await call("POST", "/purge/other.test/")).status).toBe(404);
    pinned = ids[0] ?? null;
    expect((await call("POST", "/purge/other.test/")).status).toBe(200);
  });

  test("of a service that is not there is 404", async () => {
    const { call } = await startApi();
    expect((await call("POST", "/service/none/purge_all")).status).toBe(404);
  });
});
