import { appendFile, open as openFile, readFile, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";

import { NonceStore } from "../../src/hook/nonce-store.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

async function open(limit = 100) {
  const path = join(await tempDir(), "deep", "nonces");
  const clock = new FakeClock();
  const options = { path, clock, limit };
  const soon = (): number => clock.now() / 1_000 + 300;
  return { path, clock, soon, options, store: await NonceStore.open(options) };
}

/** What all open files share. */
async function prototypeOf(path: string): Promise<FileHandle> {
  const handle = await openFile(path);
  await handle.close();
  onTestFinished(() => void vi.restoreAllMocks());
  const prototype: FileHandle = Object.getPrototypeOf(handle);
  return prototype;
}

describe("NonceStore", () => {
  it("takes a nonce once, also when it comes twice at the same time", async () => {
    const { store, soon } = await open();
    expect(await Promise.all([store.take("k/one", soon()), store.take("k/one", soon())])).toEqual([
      "new",
      "seen",
    ]);
    expect(store.has("k/one")).toBe(true);
    expect(await store.take("k/two", soon())).toBe("new");
    await store.close();
  });

  it("knows after a restart what is still in its window, also when the process was killed in the middle of a line", async () => {
    const { store, path, clock, soon, options } = await open();
    await store.take("k/old", soon() - 250);
    await store.take("k/young", soon());
    await store.close();
    await appendFile(path, "17672259");
    clock.advance(60_000);
    const next = await NonceStore.open(options);
    expect([next.has("k/old"), next.has("k/young")]).toEqual([false, true]);
    expect(await next.take("k/young", soon())).toBe("seen");
    await next.close();
    expect((await readFile(path, "utf8")).split("\n")).toEqual([expect.stringContaining("k/young"), ""]);
  });

  it("is on disk before it counts as taken", async () => {
    const { store, path, soon } = await open();
    await store.take("k/one", soon());
    expect(await readFile(path, "utf8")).toContain("k/one");
    await store.close();
  });

  it("takes no more than its limit until old ones are out of their window", async () => {
    const { store, clock, soon } = await open(3);
    for (const name of ["k/1", "k/2", "k/3"]) expect(await store.take(name, soon())).toBe("new");
    expect(await store.take("k/4", soon())).toBe("full");
    clock.advance(301_000);
    expect(await store.take("k/4", soon())).toBe("new");
    await store.close();
  });

  it("keeps its file from growing for ever", async () => {
    const { store, path, clock, soon } = await open();
    for (let index = 0; index < 1_100; index += 1) {
      await store.take(`k/${index}`, soon());
      clock.advance(10_000);
    }
    await store.close();
    expect((await readFile(path, "utf8")).split("\n").length).toBeLessThan(200);
  });

  it("writes its file anew after a write that broke off, so that the next start can read it", async () => {
    const { store, path, soon, options } = await open();
    await store.take("k/one", soon());
    const prototype = await prototypeOf(path);
    vi.spyOn(prototype, "appendFile").mockImplementationOnce(async function (this: FileHandle) {
      await this.write("17672");
      throw new Error("no space is left");
    });
    await expect(store.take("k/two", soon())).rejects.toThrow("no space is left");
    expect(await store.take("k/three", soon())).toBe("new");
    await store.close();
    const next = await NonceStore.open(options);
    expect(["k/one", "k/two", "k/three"].map((nonce) => next.has(nonce))).toEqual([true, true, true]);
    await next.close();
  });

  it("refuses to start on a file that it cannot read, rather than take an old request again", async () => {
    const { store, path, options } = await open();
    await store.close();
    await writeFile(path, "no nonce\n");
    await expect(NonceStore.open(options)).rejects.toMatchObject({ code: "hook/state-damaged" });
  });
});
