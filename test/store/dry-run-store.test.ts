import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { DryRunStore } from "../../src/store/dry-run-store.ts";
import { MemoryStore } from "../support/memory-store.ts";
import { tempDir } from "../support/temp-dir.ts";

const { signal } = new AbortController();

async function open() {
  const real = new MemoryStore();
  await real.put({ key: "p/a", body: "a", signal });
  await real.put({ key: "p/b", body: "b", signal });
  const before = new Map(real.objects);
  return { real, before, dry: new DryRunStore(real) };
}

describe("DryRunStore", () => {
  it("reads back what it did not write, and leaves the bucket alone", async () => {
    const { real, before, dry } = await open();
    expect((await dry.put({ key: "p/a", body: "new", signal })).kind).toBe("ok");
    expect((await dry.copy({ from: "p/b", to: "p/c", signal })).kind).toBe("ok");
    expect(await dry.delete({ key: "p/b", signal })).toEqual({ kind: "ok" });
    const found = await dry.get({ key: "p/a", signal });
    expect(found.kind === "ok" && Buffer.from(found.body).toString()).toBe("new");
    expect((await dry.head({ key: "p/c", signal })).kind).toBe("ok");
    expect(await dry.get({ key: "p/b", signal })).toEqual({ kind: "not-found" });
    const keys: string[] = [];
    for await (const { key } of dry.list({ prefix: "p/", signal })) keys.push(key);
    expect(keys).toEqual(["p/a"]);
    expect(dry.skipped.map(({ operation, key }) => `${operation} ${key}`)).toEqual([
      "put p/a",
      "copy p/c",
      "delete p/b",
    ]);
    expect(real.objects).toEqual(before);
  });

  it("reads what it copied and files it would have stored, and gives a replaced copy its own headers", async () => {
    const { dry } = await open();
    const path = join(await tempDir(), "f");
    await writeFile(path, "file");
    const sha256 = createHash("sha256").update("file").digest("hex");
    const replace = { headers: { cacheControl: "no-store" }, metadata: { c: "404" } };
    await dry.put({ key: "p/f", body: { path, size: 4, sha256 }, signal });
    await dry.copy({ from: "p/f", to: "p/g", replace, signal });
    await dry.copy({ from: "p/a", to: "p/h", signal });
    const bodyOf = async (key: string): Promise<string> => {
      const found = await dry.get({ key, signal });
      return found.kind === "ok" ? Buffer.from(found.body).toString() : found.kind;
    };
    expect([await bodyOf("p/f"), await bodyOf("p/g"), await bodyOf("p/h")]).toEqual(["file", "file", "a"]);
    expect(await dry.head({ key: "p/g", signal })).toMatchObject({ kind: "ok", object: replace });
    expect(await dry.deleteMany({ keys: ["p/a", "p/f", "none"], signal })).toEqual([]);
    expect([await bodyOf("p/a"), await bodyOf("p/f"), await bodyOf("p/b")]).toEqual([
      "not-found",
      "not-found",
      "b",
    ]);
  });

  it("keeps conditions, also against its own writes", async () => {
    const { dry } = await open();
    const failed = { kind: "precondition-failed" };
    expect(await dry.put({ key: "p/a", body: "", condition: { kind: "absent" }, signal })).toEqual(failed);
    expect(await dry.put({ key: "x", body: "", condition: { kind: "etag", etag: '"e"' }, signal })).toEqual(
      failed,
    );
    const first = await dry.put({ key: "x", body: "1", condition: { kind: "absent" }, signal });
    const etag = first.kind === "ok" ? first.etag : "";
    expect((await dry.put({ key: "x", body: "2", condition: { kind: "etag", etag }, signal })).kind).toBe(
      "ok",
    );
    expect(await dry.delete({ key: "x", etag, signal })).toEqual(failed);
    expect(await dry.copy({ from: "none", to: "y", signal })).toEqual({ kind: "not-found" });
  });
});
