import { createHash } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { startS3Server } from "../../src/mirror/s3/server.ts";
import type { ListedEntry, ObjectStore } from "../../src/store/object-store.ts";
import { S3SiteStore } from "../../src/store/s3-store.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { tempDir } from "../support/temp-dir.ts";

const { signal } = new AbortController();

async function s3Store(): Promise<ObjectStore> {
  const server = await startS3Server({
    dir: await tempDir(),
    port: 0,
    region: "us-east-1",
    credentials: [{ accessKeyId: "AKID", secretAccessKey: "secret", access: "full" }],
    clock: systemClock,
    buckets: ["config", "hosting"],
  });
  onTestFinished(() => server.close());
  const store = new S3SiteStore({
    location: {
      region: "us-east-1",
      endpoint: server.url,
      pathStyle: true,
      configBucket: "config",
      hostingBucket: "hosting",
    },
    keys: { accessKeyId: "AKID", secretAccessKey: new Secret("secret") },
    clock: systemClock,
  });
  onTestFinished(() => store.close());
  return store.config;
}

async function listed(entries: AsyncIterable<ListedEntry>): Promise<string[]> {
  const keys: string[] = [];
  for await (const entry of entries) keys.push(entry.key);
  return keys;
}

async function etagOf(store: ObjectStore, key: string): Promise<string> {
  const found = await store.head({ key, signal });
  return found.kind === "ok" ? found.object.etag : "none";
}

describe.each([
  ["the S3 adapter against the mirror", s3Store],
  ["the store in memory that other tests use", () => Promise.resolve(new MemoryStore())],
])("%s", (_, open) => {
  it("gives back body, headers and metadata", async () => {
    const store = await open();
    const headers = {
      contentType: "text/html; charset=utf-8",
      cacheControl: "no-store",
      contentEncoding: "br",
      contentDisposition: "attachment; filename=a.html",
      contentLanguage: "de",
    };
    const key = "a/ä b+c%?#'()*!.html";
    const put = await store.put({
      key,
      body: "hello",
      headers,
      metadata: { p: "/%C3%A4", q: "0=301 /a /b" },
      signal,
    });
    const found = await store.get({ key, signal });
    expect(found).toMatchObject({
      kind: "ok",
      object: { headers, metadata: { p: "/%C3%A4", q: "0=301 /a /b" }, size: 5 },
    });
    expect(found.kind === "ok" && Buffer.from(found.body).toString()).toBe("hello");
    expect(put).toEqual({ kind: "ok", etag: await etagOf(store, key) });
  });

  it("says not-found for a missing key", async () => {
    const store = await open();
    expect(await store.get({ key: "x", signal })).toEqual({ kind: "not-found" });
    expect(await store.head({ key: "x", signal })).toEqual({ kind: "not-found" });
    expect(await store.copy({ from: "x", to: "y", signal })).toEqual({ kind: "not-found" });
    expect(await store.delete({ key: "x", signal })).toEqual({ kind: "ok" });
  });

  it("writes only when the condition holds", async () => {
    const store = await open();
    const put = (body: string, condition: Parameters<ObjectStore["put"]>[0]["condition"]) =>
      store.put({ key: "k", body, signal, ...(condition ? { condition } : {}) });
    expect(await put("0", { kind: "etag", etag: '"none"' })).toEqual({ kind: "precondition-failed" });
    const first = await put("1", { kind: "absent" });
    expect(first.kind).toBe("ok");
    expect(await put("2", { kind: "absent" })).toEqual({ kind: "precondition-failed" });
    const etag = await etagOf(store, "k");
    expect((await put("3", { kind: "etag", etag })).kind).toBe("ok");
    expect(await put("4", { kind: "etag", etag })).toEqual({ kind: "precondition-failed" });
    expect(await store.delete({ key: "k", etag, signal })).toEqual({ kind: "precondition-failed" });
    expect(await store.delete({ key: "k", etag: await etagOf(store, "k"), signal })).toEqual({ kind: "ok" });
    expect(await store.head({ key: "k", signal })).toEqual({ kind: "not-found" });
  });

  it("lets one of many writers win", async () => {
    const store = await open();
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        store.put({ key: "race", body: `${index}`, condition: { kind: "absent" }, signal }),
      ),
    );
    expect(outcomes.filter(({ kind }) => kind === "ok")).toHaveLength(1);
  });

  it("copies with headers and metadata, whatever the key", async () => {
    const store = await open();
    const from = "from/ä %2F+&=;@.txt";
    await store.put({
      key: from,
      body: "x",
      headers: { contentType: "text/x" },
      metadata: { p: "1" },
      signal,
    });
    expect((await store.copy({ from, to: "to/ä?", signal })).kind).toBe("ok");
    expect(await store.get({ key: "to/ä?", signal })).toMatchObject({
      object: { headers: { contentType: "text/x" }, metadata: { p: "1" }, size: 1 },
    });
  });

  it("replaces headers and metadata in a copy, also of a key to itself", async () => {
    const store = await open();
    const old = {
      headers: { contentType: "text/x", cacheControl: "no-store" },
      metadata: { p: "1", c: "404" },
    };
    await store.put({ key: "a", body: "bytes", ...old, signal });
    const replace = { headers: { contentType: "text/y" }, metadata: { p: "2" } };
    for (const to of ["b", "a"]) {
      expect((await store.copy({ from: "a", to, replace, signal })).kind).toBe("ok");
      const found = await store.get({ key: to, signal });
      expect(found.kind === "ok" && found.object).toMatchObject({ ...replace, size: 5 });
      expect(found.kind === "ok" && found.object.headers).toEqual(replace.headers);
      expect(found.kind === "ok" && found.object.metadata).toEqual(replace.metadata);
    }
  });

  it("stores a file by its path, and nothing when it is not what was scanned", async () => {
    const store = await open();
    const dir = await tempDir();
    const path = join(dir, "page.html");
    const sha256 = createHash("sha256").update("page").digest("hex");
    const put = (key: string, size: number) => store.put({ key, body: { path, size, sha256 }, signal });
    await writeFile(path, "page");
    expect((await put("k", 4)).kind).toBe("ok");
    const found = await store.get({ key: "k", signal });
    expect(found.kind === "ok" && Buffer.from(found.body).toString()).toBe("page");
    for (const changed of ["PAGE", "pag", "pages", ""]) {
      await writeFile(path, changed);
      await expect(put("changed", 4)).rejects.toMatchObject({ code: "publish/file-changed", exitCode: 1 });
    }
    await rm(path);
    await expect(put("changed", 4)).rejects.toMatchObject({ code: "publish/file-changed" });
    expect(await store.head({ key: "changed", signal })).toEqual({ kind: "not-found" });
  });

  it("deletes thousands of keys, those that do not exist among them", async () => {
    const store = await open();
    const kept = "p/ä & <kept>'\"";
    const some = ["p/0", "p/7", "p/1000", "p/ü & <gone>'\""];
    for (const key of [kept, ...some]) await store.put({ key, body: "", signal });
    const keys = [...Array.from({ length: 2_500 }, (_, index) => `p/${index}`), ...some];
    expect(await store.deleteMany({ keys, signal })).toEqual([]);
    expect(await listed(store.list({ prefix: "p/", signal }))).toEqual([kept]);
    expect(await store.deleteMany({ keys: [], signal })).toEqual([]);
  });

  it("lists by prefix in byte order, with and without a delimiter", async () => {
    const store = await open();
    for (const key of ["p/b", "p/a", "p/c/d", "p/c/e", "p/é", "p/\u{1f600}", "p/\ufb01", "q"]) {
      await store.put({ key, body: "", signal });
    }
    expect(await listed(store.list({ prefix: "p/", signal }))).toEqual([
      "p/a",
      "p/b",
      "p/c/d",
      "p/c/e",
      "p/é",
      "p/\ufb01",
      "p/\u{1f600}",
    ]);
    const level = await listed(store.list({ prefix: "p/", delimiter: "/", signal }));
    expect(level.sort()).toEqual(["p/a", "p/b", "p/c/", "p/é", "p/\u{1f600}", "p/\ufb01"].sort());
    expect(await listed(store.list({ prefix: "none/", signal }))).toEqual([]);
  });

  it("stops when the signal aborts", async () => {
    const store = await open();
    const reason = new Error("stopped");
    const aborted = AbortSignal.abort(reason);
    await expect(store.put({ key: "k", body: "", signal: aborted })).rejects.toBe(reason);
  });
});
