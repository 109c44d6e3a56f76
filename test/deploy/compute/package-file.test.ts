import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { readPackage } from "../../../src/deploy/compute/package-file.ts";
import { archiveOf, SMALLEST_WASM } from "../../support/compute-package.ts";
import { hasFastlyCli, runFastlyCli } from "../../support/fastly-cli.ts";
import { tempDir } from "../../support/temp-dir.ts";

const MANIFEST = 'manifest_version = 3\nname = "sitefleet"\nlanguage = "javascript"\n';
const hasCli = await hasFastlyCli();

type Files = Readonly<Record<string, string | Uint8Array>>;

function packed(files: Files): Promise<Buffer> {
  const entries = Object.entries(files).map(([name, body]) => ({ name: `sitefleet/${name}`, body }));
  return archiveOf([{ name: "sitefleet/", type: "directory" }, ...entries]);
}

async function written(archive: Uint8Array): Promise<string> {
  const path = join(await tempDir(), "sitefleet.tar.gz");
  await writeFile(path, archive);
  return path;
}

describe("readPackage", () => {
  test("tells the archive's size and hash and the manifest's name", async () => {
    const archive = await packed({ "bin/main.wasm": SMALLEST_WASM, "fastly.toml": MANIFEST });
    const read = await readPackage(await written(archive));
    expect(read).toMatchObject({
      size: archive.length,
      hashsum: createHash("sha512").update(archive).digest("hex"),
      manifestName: "sitefleet",
    });
    expect(read.bytes.equals(archive)).toBe(true);
  });

  test("hashes the contents in the order of their names, whatever their order in the archive", async () => {
    const one = await packed({ "bin/main.wasm": SMALLEST_WASM, "fastly.toml": MANIFEST });
    const other = await packed({ "fastly.toml": MANIFEST, "bin/main.wasm": SMALLEST_WASM });
    const read = await readPackage(await written(one));
    const again = await readPackage(await written(other));
    expect(again.filesHash).toBe(read.filesHash);
    expect(again.hashsum).not.toBe(read.hashsum);
    expect(read.filesHash).toBe(createHash("sha512").update(SMALLEST_WASM).update(MANIFEST).digest("hex"));
  });

  test.skipIf(!hasCli)("hashes the contents as the official CLI does", async () => {
    const path = await written(
      await packed({
        "src/z.js": "1",
        "src/é.js": "2",
        "src/\u{1f600}.js": "3",
        "src/\uff5e.js": "4",
        "src/Z.js": "5",
        "bin/main.wasm": SMALLEST_WASM,
        "fastly.toml": MANIFEST,
      }),
    );
    const place = { home: await tempDir(), endpoint: "http://127.0.0.1:9", token: "none" };
    const { code, out } = await runFastlyCli(place, ["compute", "hash-files", "--package", path]);
    expect(code, out).toBe(0);
    expect(out.trim().split("\n").at(-1)).toBe((await readPackage(path)).filesHash);
  });

  test.each<[string, () => Promise<Uint8Array>, RegExp]>([
    ["no gzip", async () => Buffer.from("package"), /cannot be unpacked/],
    [
      "an archive that ends early",
      async () => (await packed({ a: "b" })).subarray(0, 60),
      /cannot be unpacked/,
    ],
    ["gzip of something else", async () => gzipSync("x".repeat(1024)), /cannot be unpacked/],
    ["no program", async () => packed({ "fastly.toml": MANIFEST }), /no program main\.wasm/],
    [
      "a program that is none",
      async () => packed({ "bin/main.wasm": "function () {}", "fastly.toml": MANIFEST }),
      /no program main\.wasm/,
    ],
    ["no manifest", async () => packed({ "bin/main.wasm": SMALLEST_WASM }), /no fastly\.toml/],
    [
      "a nameless manifest",
      async () => packed({ "bin/main.wasm": SMALLEST_WASM, "fastly.toml": "" }),
      /has no name/,
    ],
    [
      "more than fits",
      async () => Buffer.concat(Array<Buffer>(301).fill(gzipSync(Buffer.alloc(1_000_000)))),
      /cannot be unpacked/,
    ],
  ])("refuses %s", async (_, archive, message) => {
    const path = await written(await archive());
    await expect(readPackage(path)).rejects.toMatchObject({
      code: "deploy/invalid-package",
      message: expect.stringMatching(message),
    });
  });

  test("says how to build a package that is not there", async () => {
    const path = join(await tempDir(), "none.tar.gz");
    await expect(readPackage(path)).rejects.toMatchObject({
      code: "compute/not-built",
      hint: expect.stringContaining("npm run build:compute"),
    });
  });
});
