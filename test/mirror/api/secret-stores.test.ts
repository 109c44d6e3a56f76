import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { field, keysOf, startApi } from "./api-fixture.ts";
import type { Answer, ApiFixture } from "./api-fixture.ts";

const STORES = "/resources/stores/secret";
const SECRET = Buffer.from("secretum servare").toString("base64");

async function withStore(): Promise<ApiFixture & { readonly id: string; readonly list: string }> {
  const fixture = await startApi();
  const answer = await fixture.call("POST", STORES, { json: { name: "secrets" } });
  expect(answer.status).toBe(201);
  const id = String(field(answer.json, "id"));
  return { ...fixture, id, list: `${STORES}/${id}/secrets` };
}

describe("secret stores", () => {
  test("are created, described, listed by pages and deleted as recorded", async () => {
    const { call, id } = await withStore();
    const got = await call("GET", `${STORES}/${id}`);
    expect(got.json).toEqual({ id, name: "secrets", created_at: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(got.headers["fastly-ratelimit-remaining"]).toBeUndefined();
    for (let i = 0; i < 11; i += 1) await call("POST", STORES, { json: { name: `store-${i}` } });
    const first = await call("GET", STORES);
    expect(field(first.json, "data")).toHaveLength(10);
    const meta = field(first.json, "meta");
    expect(keysOf(meta)).toEqual(["limit", "next_cursor"]);
    const next = await call("GET", `${STORES}?cursor=${String(field(meta, "next_cursor"))}`);
    expect(field(next.json, "data")).toHaveLength(2);
    expect(field(next.json, "meta")).toEqual({ limit: 10 });
    const named = await call("GET", `${STORES}?name=store-4`);
    expect(named.json).toMatchObject({ data: [{ name: "store-4" }], meta: { limit: 10 } });
    expect((await call("POST", STORES, { json: { name: "store-4" } })).status).toBe(409);
    expect((await call("POST", STORES, { json: { name: "a b" } })).status).toBe(400);
    const gone = await call("DELETE", `${STORES}/${id}`);
    expect([gone.status, gone.text]).toEqual([204, ""]);
    const missing = await call("GET", `${STORES}/${id}`);
    expect([missing.status, missing.headers["content-type"]]).toEqual([404, "application/problem+json"]);
  });
});

describe("secrets", () => {
  test("are created once by POST, given a new value by PATCH, and either by PUT", async () => {
    const { call, list } = await withStore();
    const write = (method: "POST" | "PUT" | "PATCH", name = "key"): Promise<Answer> =>
      call(method, list, { json: { name, secret: SECRET } });
    expect((await write("PATCH")).status).toBe(404);
    const made = await write("POST");
    expect(made.json).toEqual({
      name: "key",
      digest: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/),
      created_at: expect.any(String),
    });
    expect((await write("POST")).status).toBe(409);
    const again = await write("PATCH");
    expect(again.json).toMatchObject({ name: "key", recreated: true });
    expect(field(again.json, "digest")).not.toBe(field(made.json, "digest"));
    expect(keysOf((await write("PUT", "other")).json)).toEqual(["created_at", "digest", "name"]);
    expect((await write("PUT", "other")).json).toMatchObject({ recreated: true });
  });

  test("are never shown again, and their file is their owner's alone", async () => {
    const fixture = await withStore();
    const { call, list, dir } = fixture;
    await call("POST", list, { json: { name: "key", secret: SECRET } });
    const digest = field((await call("GET", `${list}/key`)).json, "digest");
    for (const path of [list, `${list}/key`, STORES]) {
      const { text } = await call("GET", path);
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain("secretum");
    }
    expect((await call("GET", list)).json).toMatchObject({
      data: [{ name: "key", digest }],
      meta: { limit: 10 },
    });
    const folder = join(dir, "stores", "secret");
    for (const file of await readdir(folder)) {
      expect((await stat(join(folder, file))).mode & 0o077).toBe(0);
      expect(await readFile(join(folder, file), "utf8")).toContain(SECRET);
    }
    expect((await call("DELETE", `${list}/key`)).status).toBe(204);
    expect((await call("DELETE", `${list}/key`)).status).toBe(404);
    expect((await call("GET", `${list}/key`)).status).toBe(404);
  });

  test("have names and sizes that Fastly takes", async () => {
    const { call, list } = await withStore();
    const write = async (json: unknown): Promise<number> => (await call("POST", list, { json })).status;
    const large = (size: number): string => Buffer.alloc(size, 1).toString("base64");
    expect(await write({ name: "large", secret: large(65_536) })).toBe(200);
    expect(await write({ name: "larger", secret: large(65_537) })).toBe(400);
    for (const wrong of [
      { name: "a" },
      { secret: SECRET },
      { name: "a", secret: "" },
      { name: "a", secret: "?" },
    ]) {
      expect(await write(wrong)).toBe(400);
    }
    expect(await write({ name: "a/b", secret: SECRET })).toBe(400);
    expect(await write({ name: "x".repeat(256), secret: SECRET })).toBe(400);
  });
});
