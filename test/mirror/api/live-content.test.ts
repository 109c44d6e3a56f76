import { assert, asyncProperty, constantFrom, ipV4, ipV6, nat, oneof, string } from "fast-check";
import { describe, expect, test } from "vitest";
import { compileService } from "../../../src/vcl/compile-service.ts";
import { parseIp } from "../../../src/vcl/ip.ts";
import { field, startApi, startIn } from "./api-fixture.ts";
import type { ApiFixture } from "./api-fixture.ts";

async function withDictionary(fixture: ApiFixture, writeOnly = "0"): Promise<{ id: string; base: string }> {
  const id = await fixture.service();
  const form = { name: "words", write_only: writeOnly };
  const { json } = await fixture.call("POST", `/service/${id}/version/1/dictionary`, { form });
  return { id, base: `/service/${id}/dictionary/${String(field(json, "id"))}` };
}

describe("dictionary items", () => {
  test("create, get, list, upsert, delete, and Fastly's 404 and 409", async () => {
    const fixture = await startApi();
    const { call } = fixture;
    const { id, base } = await withDictionary(fixture);
    const dictionaryId = base.split("/").at(-1);
    const form = { item_key: "a/b", item_value: "value" };
    const created = await call("POST", `${base}/item`, { form });
    expect(created.json).toEqual({
      dictionary_id: dictionaryId,
      service_id: id,
      item_key: "a/b",
      item_value: "value",
      created_at: "2026-01-01T00:00:00Z",
      updated_at: "2026-01-01T00:00:00Z",
      deleted_at: null,
    });
    expect((await call("POST", `${base}/item`, { form })).status).toBe(409);
    expect((await call("GET", `${base}/item/a%2Fb`)).json).toEqual(created.json);
    await call("PUT", `${base}/item/new`, { form: { item_value: "2" } });
    expect((await call("GET", `${base}/items?page=1&per_page=100`)).json).toHaveLength(2);
    const first = await call("GET", `${base}/items?page=1&per_page=1`);
    expect(first.headers["link"]).toContain(`${base}/items?page=2&per_page=1>; rel="next"`);
    expect((await call("PATCH", `${base}/item/missing`, { form: { item_value: "x" } })).status).toBe(404);
    expect((await call("DELETE", `${base}/item/new`)).json).toEqual({ status: "ok" });
    const missing = await call("DELETE", `${base}/item/new`);
    expect(missing.json).toEqual({
      msg: "Record not found",
      detail: `Couldn't find DictionaryItem '{ dictionary_id => ${dictionaryId}, item_key => new, service_id => ${id} }'`,
    });
  });

  test("a running program sees a change at once, without a new version", async () => {
    const fixture = await startApi();
    const { call, compiler, edge } = fixture;
    const { id, base } = await withDictionary(fixture);
    await call("PUT", `/service/${id}/version/1/activate`);
    const table = compiler.last.tables.get("words");
    expect(table?.get("k")).toBeUndefined();
    await call("PUT", `${base}/item/k`, { form: { item_value: "grün" } });
    // Programs compare bytes.
    expect(table?.get("k")).toBe(Buffer.from("grün").toString("latin1"));
    expect(table?.has("k")).toBe(true);
    await call("DELETE", `${base}/item/k`);
    expect(table?.has("k")).toBe(false);
    expect(edge.activations).toBe(1);
  });

  test("a batch is all or nothing", async () => {
    const fixture = await startApi();
    const { call } = fixture;
    const { base } = await withDictionary(fixture);
    const good = [
      { op: "create", item_key: "a", item_value: "1" },
      { op: "upsert", item_key: "b", item_value: "2" },
    ];
    expect((await call("PATCH", `${base}/items`, { json: { items: good } })).json).toEqual({ status: "ok" });
    const bad = [
      { op: "delete", item_key: "a" },
      { op: "update", item_key: "missing", item_value: "3" },
    ];
    expect((await call("PATCH", `${base}/items`, { json: { items: bad } })).status).toBe(404);
    expect((await call("GET", `${base}/item/a`)).status).toBe(200);
    const many = Array.from({ length: 1001 }, (_, i) => ({
      op: "upsert",
      item_key: `k${i}`,
      item_value: "",
    }));
    expect((await call("PATCH", `${base}/items`, { json: { items: many } })).status).toBe(400);
  });

  test("limits of Fastly hold: key, value and number of items", async () => {
    const fixture = await startApi();
    const { call } = fixture;
    const { base } = await withDictionary(fixture);
    const put = async (key: string, value: string): Promise<number> =>
      (await call("PUT", `${base}/item/${key}`, { form: { item_value: value } })).status;
    expect(await put("k".repeat(256), "")).toBe(200);
    expect(await put("k".repeat(257), "")).toBe(400);
    expect(await put("k", "v".repeat(8000))).toBe(200);
    expect(await put("k", "v".repeat(8001))).toBe(400);
    const fill = Array.from({ length: 999 }, (_, i) => ({ op: "create", item_key: `i${i}`, item_value: "" }));
    expect((await call("PATCH", `${base}/items`, { json: { items: fill } })).status).toBe(400);
    expect((await call("PATCH", `${base}/items`, { json: { items: fill.slice(1) } })).status).toBe(200);
  });

  test("a write-only dictionary never gives a value back, but the program has it", async () => {
    const fixture = await startApi();
    const { call, compiler } = fixture;
    const { id, base } = await withDictionary(fixture, "1");
    const form = { item_key: "key", item_value: "s3cr3t-value" };
    const answers = [
      await call("POST", `${base}/item`, { form }),
      await call("PUT", `${base}/item/key`, { form: { item_value: "s3cr3t-value" } }),
      await call("GET", `${base}/item/key`),
      await call("GET", `${base}/items`),
      await call("GET", `/service/${id}/version/1/generated_vcl`),
      await call("GET", `/service/${id}/details`),
      await call("GET", `/service/${id}/vcl/diff/from/1/to/1`),
    ];
    for (const { text } of answers) expect(text).not.toContain("s3cr3t-value");
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 403, 403, 200, 200, 200]);
    expect(String(field(answers[4]?.json, "content"))).toContain("# REDACTED dictionary content");
    await call("GET", `/service/${id}/version/1/validate`);
    const { sources, tables } = compiler.last;
    expect(JSON.stringify(sources.prelude)).not.toContain("s3cr3t-value");
    expect(tables.get("words")?.get("key")).toBe("s3cr3t-value");
    const dictionaryId = base.split("/").at(-1) ?? "";
    const info = await call("GET", `/service/${id}/version/1/dictionary/${dictionaryId}/info`);
    expect(info.json).toMatchObject({ item_count: 1, last_updated: "2026-01-01 00:00:00" });
    expect(field(info.json, "digest")).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe("ACL entries", () => {
  test("have Fastly's shapes and are live in what runs, without compiling it again", async () => {
    const { call, service, edge, compiler } = await startApi();
    const id = await service();
    const acl = await call("POST", `/service/${id}/version/1/acl`, { form: { name: "my friends" } });
    const base = `/service/${id}/acl/${String(field(acl.json, "id"))}`;
    await call("PUT", `/service/${id}/version/1/activate`);
    const form = { ip: "10.0.0.3", subnet: "8", negated: "0", comment: "test entry\n}" };
    const created = await call("POST", `${base}/entry`, { form });
    expect(created.json).toMatchObject({ ip: "10.0.0.3", subnet: 8, negated: 0, service_id: id });
    const entry = `${base}/entry/${String(field(created.json, "id"))}`;
    expect((await call("GET", entry)).json).toMatchObject({ negated: "0" });
    expect([edge.activations, compiler.seen.length]).toEqual([1, 1]);
    const friends = compiler.last.acls.get("my_friends");
    const isFriend = (address: string): boolean | undefined => {
      const ip = parseIp(address);
      return ip === null ? undefined : friends?.matches(ip);
    };
    expect([isFriend("10.9.9.9"), isFriend("11.0.0.1")]).toEqual([true, false]);
    const updated = await call("PATCH", entry, { form: { negated: "1" } });
    expect(updated.json).toMatchObject({ negated: 1, subnet: 8 });
    expect(isFriend("10.9.9.9")).toBe(false);
    const { json } = await call("GET", `/service/${id}/version/1/generated_vcl`);
    const text = 'acl my_friends {\n  !"10.0.0.3"/8; # test entry }\n}\n';
    expect(field(json, "content")).toContain(text);
    const entries = [
      { op: "create", ip: "2001:db8::1", negated: "0" },
      { op: "delete", id: field(created.json, "id") },
    ];
    expect((await call("PATCH", `${base}/entries`, { json: { entries } })).json).toEqual({ status: "ok" });
    expect((await call("GET", `${base}/entries`)).json).toMatchObject([{ ip: "2001:db8::1", subnet: null }]);
    expect((await call("DELETE", entry)).status).toBe(404);
    expect([isFriend("2001:db8::1"), isFriend("10.9.9.9")]).toEqual([true, false]);
  });

  test.each([
    [{ ip: "localhost" }],
    [{ ip: "fe80::1%eth0" }],
    [{ ip: "010.0.0.1" }],
    [{ ip: "10.0.0.1", subnet: "33" }],
    [{ ip: "::1", subnet: "129" }],
    [{ ip: "1.2.3.4", subnet: "-1" }],
    [{ subnet: "8" }],
  ])("%j is refused", async (form) => {
    const { call, service } = await startApi();
    const id = await service();
    const acl = await call("POST", `/service/${id}/version/1/acl`, { form: { name: "a" } });
    const path = `/service/${id}/acl/${String(field(acl.json, "id"))}/entry`;
    expect((await call("POST", path, { form: { ...form } })).status).toBe(400);
  });
});

describe("content that is written while a version runs", () => {
  test("compiles with the next version too, whatever its bytes", { timeout: 60_000 }, async () => {
    const before = await startApi({ compile: compileService });
    const { id, base } = await withDictionary(before);
    const acl = await before.call("POST", `/service/${id}/version/1/acl`, { form: { name: "a" } });
    const entry = `/service/${id}/acl/${String(field(acl.json, "id"))}/entry`;
    await before.call("PUT", `/service/${id}/version/1/activate`);
    const words = oneof(
      string({ unit: "binary", maxLength: 20 }),
      constantFrom("\0", '"', "%00", "{", '"}', "\n", "\r\n}", "__proto__", "\ud800", "%", "\u2028"),
    );
    const address = oneof(
      ipV4(),
      ipV6(),
      constantFrom("::", "::ffff:1.2.3.4", "fe80::1%1", "1.2.3", "::1.2.3.4", "1::2::3", "0x1.1.1.1"),
    );
    await assert(
      asyncProperty(words, words, address, nat({ max: 140 }), async (key, value, ip, subnet) => {
        const form = { item_key: key, item_value: value };
        const item = await before.call("POST", `${base}/item`, { json: form });
        expect([200, 400, 409]).toContain(item.status);
        const made = await before.call("POST", entry, { json: { ip, subnet, comment: value } });
        expect([200, 400]).toContain(made.status);
      }),
      { numRuns: 40 },
    );
    const { json } = await before.call("GET", `/service/${id}/version/1/validate`);
    expect(json).toMatchObject({ status: "ok", errors: [] });
    const after = await before.restart();
    expect(after.api.problems).toEqual([]);
  });
});

describe("dynamic snippets", () => {
  test("have content under their own ids only: not a dictionary's with such a key", async () => {
    const fixture = await startApi();
    const { id, base } = await withDictionary(fixture, "1");
    const { call } = fixture;
    await call("POST", `${base}/item`, { form: { item_key: "content", item_value: "s3cr3t" } });
    const path = `/service/${id}/snippet/${base.split("/").at(-1) ?? ""}`;
    expect((await call("GET", path)).status).toBe(404);
    expect((await call("PUT", path, { form: { content: "x" } })).status).toBe(404);
    expect((await call("GET", `/service/${id}/snippet/products`)).status).toBe(404);
    expect((await call("PATCH", `${base}/item/content`, { form: { item_value: "y" } })).status).toBe(200);
  });

  test("run at once; wrong VCL is refused and the old text stays", async () => {
    const { call, service, edge, compiler } = await startApi();
    const id = await service();
    const form = { name: "s", type: "recv", dynamic: "1", content: "# first" };
    const snippet = await call("POST", `/service/${id}/version/1/snippet`, { form });
    await call("PUT", `/service/${id}/version/1/activate`);
    const path = `/service/${id}/snippet/${String(field(snippet.json, "id"))}`;
    await call("PUT", path, { form: { content: "# second" } });
    expect(edge.activations).toBe(2);
    expect(compiler.last.sources.macros.get("recv")?.text).toContain("# second");
    const refused = await call("PUT", path, { form: { content: "BROKEN" } });
    expect(refused.status).toBe(400);
    expect(field(refused.json, "detail")).toContain("at: (#FASTLY recv Line ");
    expect((await call("GET", path)).json).toMatchObject({ content: "# second" });
    expect(edge.activations).toBe(2);
  });
});

describe("after a restart", () => {
  test("everything is as it was and the active versions run again", async () => {
    const before = await startApi();
    const { id, base } = await withDictionary(before);
    await before.call("PUT", `${base}/item/k`, { form: { item_value: "v" } });
    await before.call("POST", `/service/${id}/version/1/domain`, { form: { name: "example.com" } });
    await before.call("PUT", `/service/${id}/version/1/activate`);
    const gone = await before.service("gone");
    await before.call("DELETE", `/service/${gone}`);
    const details = await before.call("GET", `/service/${id}/details`);
    const self = await before.call("GET", "/tokens/self");
    const after = await before.restart();
    expect(after.api.problems).toEqual([]);
    expect((await after.call("GET", `/service/${id}/details`)).json).toEqual(details.json);
    expect(field((await after.call("GET", "/tokens/self")).json, "id")).toBe(field(self.json, "id"));
    expect(after.edge.active.get(id)).toMatchObject({ version: 1, domains: ["example.com"] });
    expect(after.compiler.last.tables.get("words")?.get("k")).toBe("v");
    expect((await after.call("GET", `/service/${gone}`)).status).toBe(400);
  });

  test("a service that no longer compiles stays off and is reported; the others run", async () => {
    const before = await startApi();
    const [bad, good] = [await before.service("bad"), await before.service("good")];
    const form = { name: "main", content: "# SOON", main: "1" };
    await before.call("POST", `/service/${bad}/version/1/vcl`, { form });
    for (const id of [bad, good]) await before.call("PUT", `/service/${id}/version/1/activate`);
    await before.api.close();
    const strict = before.compiler.compile;
    const after = await startIn(before.dir, {
      compile: (sources, options) =>
        strict(
          { ...sources, main: { ...sources.main, text: sources.main.text.replace("SOON", "BROKEN") } },
          options,
        ),
    });
    expect([...after.edge.active.keys()]).toEqual([good]);
    expect(after.api.problems).toHaveLength(1);
    expect(after.api.problems[0]).toContain(bad);
  });
});
