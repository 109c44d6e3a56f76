import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { takeProcessLock } from "../../src/lib/process-lock.ts";
import { tempDir } from "../support/temp-dir.ts";

describe("the process lock", () => {
  it("is refused while a live process holds it, and names that process", async () => {
    const path = join(await tempDir(), "lock");
    const first = await takeProcessLock(path, process.pid);
    expect(first).toHaveProperty("release");
    expect(await takeProcessLock(path, process.pid)).toEqual({ pid: process.pid });
  });

  it("is free again after its release", async () => {
    const path = join(await tempDir(), "lock");
    const first = await takeProcessLock(path, process.pid);
    if (!("release" in first)) throw new Error("not taken");
    await first.release();
    expect(await takeProcessLock(path, process.pid)).toHaveProperty("release");
  });

  it("is taken over from a process that was killed", async () => {
    const path = join(await tempDir(), "lock");
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    if (child.pid === undefined) throw new Error("no child");
    await takeProcessLock(path, child.pid);
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(await takeProcessLock(path, process.pid)).toHaveProperty("release");
  });

  it("is taken over when its file is torn", async () => {
    const path = join(await tempDir(), "lock");
    await writeFile(path, '{"pid": 1');
    expect(await takeProcessLock(path, process.pid)).toHaveProperty("release");
  });
});
