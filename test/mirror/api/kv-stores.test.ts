import { fc, test as property } from "@fast-check/vitest";
import { describe, expect, test } from "vitest";
import { kvKeyProblem } from "../../../src/mirror/api/kv-stores.ts";
import { field, startApi } from "./api-fixture.ts";
import type { Answer, ApiFixture, CallOptions } from "./api-fixture.ts";

const STORES = "/resources/stores/kv";

interface WithStore extends ApiFixture {
  readonly id: string;
  readonly put: (key: string, value: string, options?: CallOptions) => Promise<Answer>;
  readonly get: (key: string) => Promise<Answer>;
}

function using(fixture: ApiFixture, id: string): WithStore {
  const path = (key: string): string => `${STORES}/${id}/keys/${key}`;
  return {
    ...fixture,
    id,
    put: (key, value, options = {}) =>
      fixture.call("PUT", path(key), { bytes: Buffer.from(value), ...options }),
    get: (key) => fixture.call("GET", path(key)),
  };
}

async function withStore(): Promise<WithStore> {
  const fixture = await startApi();
  const answer = await fixture.call("POST", `${STORES}?location=EU`, { json: { name: "values" } });
  expect(answer.status).toBe(201);
  return using(fixture, String(field(answer.json, "id")));
}

describe("KV stores", () => {
  test("are created, described, listed and deleted as recorded", async () => {
    const { call, id } = await withStore();
    const got = await call("GET", `${STORES}/${id}`);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/);
    expect(got.json).toEqual({ id, name: "values", created_at: time, updated_at: time });
    expect(id).toMatch(/^[a-z0-9]{22}$/);
    expect((await call("GET", STORES)).json).toMatchObject({
      data: [{ id }],
      meta: { limit: 1000, total: 1 },
    });
    expect((await call("PUT", `${STORES}/${id}`, { json: { name: "renamed" } })).status).toBe(200);
    expect((await call("GET", `${STORES}?name=renamed`)).json).toMatchObject({ data: [{ id }] });
    expect((await call("POST", STORES, { json: { name: "renamed" } })).status).toBe(409);
    expect((await call("POST", `${STORES}?location=MOON`, { json: { name: "x" } })).status).toBe(400);
    expect((await call("DELETE", `${STORES}/${id}`)).status).toBe(204);
    expect((await call("DELETE", `${STORES}/${id}`)).status).toBe(404);
  });

  test("stay while they have keys", async () => {
    const { call, id, put } = await withStore();
    await put("a", "1");
    expect((await call("DELETE", `${STORES}/${id}`)).status).toBe(409);
    await call("DELETE", `${STORES}/${id}/keys/a`);
    expect((await call("DELETE", `${STORES}/${id}`)).status).toBe(204);
    expect((await put("a", "1")).status).toBe(404);
  });
});

describe("items of a KV store", () => {
  test("are bytes with a generation, as recorded", async () => {
    const { call, id, put, get } = await withStore();
    const stored = await put("apple", "apple0");
    expect([stored.status, stored.text, stored.headers["content-type"]]).toEqual([200, "", undefined]);
    const got = await get("apple");
    expect(got.text).toBe("apple0");
    expect(got.headers).toMatchObject({
      "content-type": "application/octet-stream",
      generation: expect.stringMatching(/^\d{15,}$/),
      metadata: "",
      "stored-content-length": "6",
      "last-modified": expect.stringMatching(/ GMT$/),
    });
    const missing = await get("pear");
    expect([missing.status, missing.headers["content-type"]]).toEqual([404, "application/problem+json"]);
    const path = `${STORES}/${id}/keys/pear`;
    expect((await call("DELETE", path)).status).toBe(404);
    expect((await call("DELETE", `${path}?force=true`)).status).toBe(204);
  });

  test("are added, put before and after what is there, and only over the generation that is meant", async () => {
    const { call, id, put, get } = await withStore();
    await put("apple", "apple0");
    const refused = await put("apple?add=true", "other");
    expect([refused.status, refused.text]).toEqual([412, ""]);
    await put("apple?prepend=true", "prefix", { headers: { metadata: "meta" } });
    const second = await get("apple");
    expect([second.text, second.headers["metadata"]]).toEqual(["prefixapple0", "meta"]);
    const generation = String(second.headers["generation"]);
    const other = { headers: { "if-generation-match": String(BigInt(generation) + 1000n) } };
    expect((await put("apple", "x", other)).status).toBe(412);
    await put("apple?append=true", "suffix", { headers: { "if-generation-match": generation } });
    const third = await get("apple");
    // Recorded: what is not said again is gone.
    expect([third.text, third.headers["metadata"]]).toEqual(["prefixapple0suffix", ""]);
    expect(BigInt(String(third.headers["generation"]))).toBeGreaterThan(BigInt(generation));
    expect((await call("DELETE", `${STORES}/${id}/keys/apple`, other)).status).toBe(412);
    expect((await put("new?add=true", "1")).status).toBe(200);
    expect((await put("new?add=true&append=true", "1")).status).toBe(400);
  });

  test("go after their time, also over a restart", async () => {
    const fixture = await withStore();
    const { clock, put, get, call, id } = fixture;
    await put("short", "1", { headers: { time_to_live_sec: "60" } });
    await put("long", "2");
    clock.advance(59_000);
    expect((await get("short")).status).toBe(200);
    const again = using(await fixture.restart(), id);
    again.clock.advance(60_000 - (again.clock.now() - clock.now()));
    expect((await again.get("short")).status).toBe(404);
    expect(field((await again.call("GET", `${STORES}/${id}/keys`)).json, "data")).toEqual(["long"]);
    expect(call).toBeDefined();
  });

  test("are listed by the bytes of their keys, by prefix and by pages", async () => {
    const { call, id, put } = await withStore();
    const keys = ["apple", "banana", "batch-1", "batch-2", "carrot", "dragonfruit", "eggplant"];
    for (const key of keys.toReversed()) await put(key, key);
    const list = async (query: string): Promise<unknown> =>
      (await call("GET", `${STORES}/${id}/keys?${query}`)).json;
    expect(await list("consistency=strong")).toEqual({ data: keys, meta: { limit: 1000 } });
    expect(await list("consistency=eventual")).toMatchObject({
      meta: { limit: 1000, consistency: "eventual" },
    });
    expect(await list("prefix=ba")).toEqual({
      data: ["banana", "batch-1", "batch-2"],
      meta: { limit: 1000, prefix: "ba" },
    });
    const first = await list("limit=4");
    expect(field(first, "data")).toEqual(keys.slice(0, 4));
    const cursor = String(field(field(first, "meta"), "next_cursor"));
    expect(await list(`limit=4&cursor=${cursor}`)).toEqual({ data: keys.slice(4), meta: { limit: 4 } });
    expect(await list("limit=7")).toEqual({ data: keys, meta: { limit: 7 } });
  });

  test("have keys, metadata, lives and sizes that Fastly takes", async () => {
    const { put, get } = await withStore();
    for (const key of ["a%23b", "a%3Fb", "a%0Ab", "k".repeat(1025), ".well-known%2Facme-challenge%2Fx"]) {
      expect((await put(key, "x")).status, key).toBe(400);
    }
    expect((await put("k".repeat(1024), "x")).status).toBe(200);
    expect((await put("www.example.com%2Fä", "x")).status).toBe(200);
    expect((await get("www.example.com%2F%C3%A4")).text).toBe("x");
    expect((await put("m", "x", { headers: { metadata: "m".repeat(1000) } })).status).toBe(200);
    expect((await put("m", "x", { headers: { metadata: "m".repeat(1001) } })).status).toBe(400);
    for (const seconds of ["0", "-1", "soon", "1e99"]) {
      expect((await put("t", "x", { headers: { time_to_live_sec: seconds } })).status).toBe(400);
    }
    const most = Buffer.alloc(25 * 1024 * 1024);
    expect((await put("large", "", { bytes: most })).status).toBe(200);
    expect((await put("large?append=true", "x")).status).toBe(400);
    expect((await put("larger", "", { bytes: Buffer.alloc(most.length + 1) })).status).toBe(413);
  });

  test("come in batches; wrong lines are told by their index, the others stored", async () => {
    const { call, id, get } = await withStore();
    const batch = (text: string): Promise<Answer> =>
      call("PUT", `${STORES}/${id}/batch`, {
        bytes: Buffer.from(text),
        headers: { "content-type": "application/x-ndjson" },
      });
    const fine = await batch(
      '{"key":"batch-1","value":"VkFMVUU="}\n    {"key":"batch-2","value":"VkFMVUU="}',
    );
    expect([fine.status, fine.json]).toEqual([200, { type: "", title: "success", errors: [] }]);
    expect((await get("batch-2")).text).toBe("VALUE");
    const lines = [
      '{"key":"ok","value":"VkFMVUU=","metadata":"a\\nb","time_to_live_sec":60}',
      "nonsense",
      '{"key":"bad#key","value":""}',
      '{"key":"plain","value":"not base64"}',
      '{"key":"batch-1","value":"","add":true}',
    ];
    const mixed = await batch(lines.join("\n"));
    expect(mixed.status).toBe(400);
    expect(field(mixed.json, "errors")).toMatchObject([
      { index: 1, code: "bad_request" },
      { index: 2, code: "bad_request" },
      { index: 3, code: "bad_request" },
      { index: 4, code: "precondition_failed" },
    ]);
    const kept = await get("ok");
    expect([kept.text, kept.headers["metadata"]]).toEqual(["VALUE", "a b"]);
  });

  test("survive a restart with generation and metadata", async () => {
    const fixture = await withStore();
    await fixture.put("a", "1", { headers: { metadata: "m" } });
    const before = await fixture.get("a");
    const again = using(await fixture.restart(), fixture.id);
    const after = await again.get("a");
    expect([after.text, after.headers["generation"], after.headers["metadata"]]).toEqual([
      "1",
      before.headers["generation"],
      "m",
    ]);
    await again.put("a", "2");
    const newer = (await again.get("a")).headers["generation"];
    expect(BigInt(String(newer))).toBeGreaterThan(BigInt(String(before.headers["generation"])));
  });
});

property.prop([fc.string({ unit: "grapheme", maxLength: 40 })])(
  "a key is any text of Unicode without the characters that Fastly refuses",
  async (key) => {
    const expected = !["", ".", ".."].includes(key) && !/[#;?^|\n\r]/.test(key);
    expect(kvKeyProblem(key) === null).toBe(expected);
  },
);
