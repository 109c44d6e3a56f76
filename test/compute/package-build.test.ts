import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { unpackTar } from "modern-tar";
import { describe, expect, test } from "vitest";
import { readPackage } from "../../src/deploy/compute/package-file.ts";
import { packagePath } from "../../src/lib/package-root.ts";
import { buildCompute, copyCheckout, hasComputeToolchain, publishedFiles } from "../support/compute-build.ts";
import { tempDir } from "../support/temp-dir.ts";

const PACKAGE = "compute/pkg/sitefleet.tar.gz";
/** Building twice, on a machine that does other things as well. */
const PATIENCE = 300_000;

describe.skipIf(!hasComputeToolchain())("npm run build:compute", () => {
  test(
    "makes the same bytes in any folder, with nothing of the folder or the machine in them",
    { timeout: PATIENCE },
    async () => {
      const home = await tempDir();
      const checkouts = [join(home, "one"), join(home, "elsewhere", "and-deeper")] as const;
      for (const checkout of checkouts) await copyCheckout(checkout);
      const runs = await Promise.all(checkouts.map(async (checkout) => buildCompute(checkout)));
      for (const run of runs) expect(run.code, run.out).toBe(0);

      const [one, other] = await Promise.all(checkouts.map(async (dir) => readFile(join(dir, PACKAGE))));
      expect(one?.equals(other ?? Buffer.alloc(0))).toBe(true);

      const entries = await unpackTar(gunzipSync(one ?? ""), { strict: true });
      expect(entries.map(({ header }) => header.name)).toEqual([
        "sitefleet/",
        "sitefleet/bin/",
        "sitefleet/bin/main.wasm",
        "sitefleet/fastly.toml",
      ]);
      for (const { header } of entries) {
        expect(header).toMatchObject({ mtime: new Date(0), uid: 0, gid: 0, uname: "", gname: "" });
      }
      const program = Buffer.from(entries[2]?.data ?? []);
      expect(program.includes(home)).toBe(false);
      expect(program.equals(await readFile(join(checkouts[0], "bin/main.wasm")))).toBe(true);
      const made = await readPackage(join(checkouts[0], PACKAGE));
      expect(made.manifestName).toBe("sitefleet");

      const published = await publishedFiles(checkouts[0]);
      expect(published.filter((path) => path.startsWith("compute/"))).toEqual([PACKAGE]);

      // It begins where its start ended.
      expect(program.includes("_start")).toBe(true);
      expect(program.includes("wizer.")).toBe(false);
    },
  );

  test("says what an app throws that does not start, and writes nothing", { timeout: PATIENCE }, async () => {
    const dir = await tempDir();
    const entry = join(dir, "main.ts");
    await writeFile(entry, 'throw new TypeError("no such thing as a quick start");\n');
    const run = await buildCompute(packagePath("."), [entry, join(dir, "out")]);
    expect(run.code).not.toBe(0);
    expect(run.out).toContain("no such thing as a quick start");
    await expect(readFile(join(dir, "out", PACKAGE))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("refuses an app that is not ready when it has started", { timeout: PATIENCE }, async () => {
    const dir = await tempDir();
    const entry = join(dir, "main.ts");
    const out = join(dir, "out");
    await writeFile(entry, 'void new Promise(() => {}).then(() => console.log("ready"));\n');
    const waiting = await buildCompute(packagePath("."), [entry, out]);
    expect(waiting.code).not.toBe(0);
    expect(waiting.out).toContain("the app waits for something while it starts");
    await writeFile(
      entry,
      'void Promise.reject(new Error("a poor rehearsal")).then(() => console.log("ready"));\n',
    );
    const rejected = await buildCompute(packagePath("."), [entry, out]);
    expect(rejected.code).not.toBe(0);
    expect(rejected.out).toContain("a poor rehearsal");
    await expect(readFile(join(out, PACKAGE))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("refuses an app that asks for something while it starts", { timeout: PATIENCE }, async () => {
    const dir = await tempDir();
    const entry = join(dir, "main.ts");
    await writeFile(
      entry,
      'import { ConfigStore } from "fastly:config-store";\nnew ConfigStore("early").get("x");\n',
    );
    const run = await buildCompute(packagePath("."), [entry, join(dir, "out")]);
    expect(run.code).not.toBe(0);
    expect(run.out).toMatch(/only be used during request handling/);
  });
});
