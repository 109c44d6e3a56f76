import { describe, expect, it } from "vitest";

import { DryRunStore } from "../../src/store/dry-run-store.ts";
import { MemoryStore } from "../support/memory-store.ts";

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
