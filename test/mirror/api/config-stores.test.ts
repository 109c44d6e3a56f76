import { describe, expect, test } from "vitest";
import { field, startApi } from "./api-fixture.ts";
import type { Answer, ApiFixture } from "./api-fixture.ts";

const STORES = "/resources/stores/config";

interface WithStore extends ApiFixture {
  readonly id: string;
  readonly at: string;
}

async function withStore(): Promise<WithStore> {
  const fixture = await startApi();
  const answer = await fixture.call("POST", STORES, { form: { name: "settings" } });
  const id = String(field(answer.json, "id"));
  return { ...fixture, id, at: `${STORES}/${id}` };
}

function told(answer: Answer): readonly [number, unknown] {
  return [answer.status, answer.json];
}

describe("config stores", () => {
  test("are created, described, renamed, listed and deleted as recorded, without a word of the rate limit", async () => {
    const { call, id, at, clock } = await withStore();
    const now = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const shape = { name: "settings", id, created_at: now, updated_at: now, deleted_at: null };
    const got = await call("GET", at);
    expect(told(got)).toEqual([200, shape]);
    const renamed = await call("PUT", at, { form: { ID: id, name: "UPDATED NAME!" } });
    expect(renamed.json).toMatchObject({ ...shape, name: "UPDATED NAME!" });
    expect(renamed.headers["fastly-ratelimit-remaining"]).toBeUndefined();
    expect((await call("GET", `${at}/info`)).json).toEqual({ item_count: 0 });
    expect((await call("GET", `${at}/services`)).json).toEqual([]);
    clock.advance(1000);
    await call("POST", STORES, { form: { name: "other" } });
    expect((await call("GET", STORES)).json).toMatchObject([{ name: "UPDATED NAME!" }, { name: "other" }]);
    expect((await call("GET", `${STORES}?name=other`)).json).toMatchObject([{ name: "other" }]);
    expect(told(await call("DELETE", at))).toEqual([200, { status: "ok" }]);
    for (const path of [at, `${at}/info`, `${at}/items`]) {
      expect(told(await call("GET", path))).toEqual([404, { msg: "Record not found" }]);
    }
    expect(told(await call("DELETE", at))).toEqual([404, { msg: "Record not found" }]);
  });

  test("need a name that no other has", async () => {
    const { call, at } = await withStore();
    expect((await call("POST", STORES, { form: {} })).status).toBe(400);
    expect((await call("POST", STORES, { form: { name: "x".repeat(256) } })).status).toBe(400);
    expect(told(await call("POST", STORES, { form: { name: "settings" } }))).toEqual([
      409,
      { msg: "Duplicate record", detail: "Duplicate config_store: 'settings'" },
    ]);
    await call("POST", STORES, { form: { name: "other" } });
    expect((await call("PUT", at, { form: { name: "other" } })).status).toBe(409);
    expect((await call("PUT", at, { form: { name: "settings" } })).status).toBe(200);
  });
});

describe("items of a config store", () => {
  test("are created, read, changed, upserted, listed by key and deleted as recorded", async () => {
    const { call, id, at } = await withStore();
    const form = { StoreID: id, item_key: "b key", item_value: "testing 123" };
    const made = await call("POST", `${at}/item`, { form });
    expect(made.json).toMatchObject({
      item_key: "b key",
      item_value: "testing 123",
      deleted_at: null,
      store_id: id,
    });
    expect((await call("GET", `${at}/item/b%20key`)).json).toEqual(made.json);
    expect((await call("POST", `${at}/item`, { form })).status).toBe(409);
    const changed = await call("PATCH", `${at}/item/b%20key`, { form: { item_value: "new" } });
    expect(changed.json).toMatchObject({ item_value: "new" });
    expect((await call("PATCH", `${at}/item/none`, { form: { item_value: "x" } })).status).toBe(404);
    await call("PUT", `${at}/item/a`, { form: { item_value: "i was upserted" } });
    expect((await call("GET", `${at}/items`)).json).toMatchObject([{ item_key: "a" }, { item_key: "b key" }]);
    expect((await call("GET", `${at}/info`)).json).toEqual({ item_count: 2 });
    expect(told(await call("DELETE", `${at}/item/a`))).toEqual([200, { status: "ok" }]);
    expect((await call("GET", `${at}/item/a`)).status).toBe(404);
  });

  test("are written many at a time, all or none", async () => {
    const { call, at } = await withStore();
    const batch = (...items: unknown[]): Promise<Answer> => call("PATCH", `${at}/items`, { json: { items } });
    const two = [
      { item_key: "key1", item_value: "value1", op: "create" },
      { item_key: "key2", item_value: "value2", op: "upsert" },
    ];
    const done = await batch(...two);
    expect(told(done)).toEqual([200, { status: "ok" }]);
    expect(done.headers["fastly-ratelimit-remaining"]).toBeDefined();
    const failing = await batch({ item_key: "key1", op: "delete" }, { item_key: "none", op: "update" });
    expect(failing.status).toBe(404);
    expect((await call("GET", `${at}/info`)).json).toEqual({ item_count: 2 });
    await batch({ item_key: "key1", item_value: "", op: "delete" }, { item_key: "key2", op: "delete" });
    expect((await call("GET", `${at}/items`)).json).toEqual([]);
    expect((await batch({ op: "steal" })).status).toBe(400);
  });

  test("are held to Fastly's limits", async () => {
    const { call, at } = await withStore();
    const create = async (key: string, value: string): Promise<number> =>
      (await call("POST", `${at}/item`, { form: { item_key: key, item_value: value } })).status;
    expect(await create("", "x")).toBe(400);
    expect(await create("k".repeat(255), "v".repeat(8000))).toBe(200);
    expect(await create("k".repeat(256), "v")).toBe(400);
    expect(await create("k", "v".repeat(8001))).toBe(400);
    const items = Array.from({ length: 500 }, (_, i) => ({ op: "upsert", item_key: `${i}`, item_value: "" }));
    const over = await call("PATCH", `${at}/items`, { json: { items } });
    expect([over.status, field(over.json, "detail")]).toEqual([400, "Exceeding max_config_store_items: 500"]);
    expect((await call("PATCH", `${at}/items`, { json: { items: items.slice(1) } })).status).toBe(200);
  });

  test("written at the same time are all kept", async () => {
    const { call, at } = await withStore();
    const keys = Array.from({ length: 20 }, (_, i) => `key${i}`);
    await Promise.all(keys.map((key) => call("PUT", `${at}/item/${key}`, { form: { item_value: key } })));
    expect((await call("GET", `${at}/info`)).json).toEqual({ item_count: 20 });
  });
});
