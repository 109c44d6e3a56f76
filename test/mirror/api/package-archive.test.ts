import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { assert, asyncProperty, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { PackageProblem, readPackage } from "../../../src/mirror/api/package-archive.ts";
import type { PackageLimits } from "../../../src/mirror/api/package-archive.ts";
import { archiveOf, MANIFEST, packageArchive, SMALLEST_WASM } from "../../support/compute-package.ts";
import type { ArchiveFile } from "../../support/compute-package.ts";

const WASM: ArchiveFile = { name: "p/bin/main.wasm", body: SMALLEST_WASM };
const TOML: ArchiveFile = { name: "p/fastly.toml", body: MANIFEST };

async function problemOf(archive: Uint8Array, limits?: PackageLimits): Promise<string> {
  const reading = readPackage(archive, limits).then(
    () => "it is a package",
    (error: unknown) => {
      if (error instanceof PackageProblem) return error.message;
      throw error;
    },
  );
  return reading;
}

describe("a package", () => {
  test("is told by its manifest, its bytes and the contents of its files in the order of their names", async () => {
    const archive = await packageArchive();
    const sha512 = (...parts: (string | Uint8Array)[]): string =>
      parts.reduce((hash, part) => hash.update(part), createHash("sha512")).digest("hex");
    expect(await readPackage(archive)).toEqual({
      name: "test-package",
      description: "A program for tests.",
      authors: ["<oss@example.com>"],
      language: "javascript",
      clonedFrom: "https://example.com/starter",
      size: archive.length,
      hashsum: sha512(archive),
      filesHash: sha512(SMALLEST_WASM, MANIFEST),
      mirrorOnly: false,
    });
  });

  test("has the same hash of its files whatever their order in the archive", async () => {
    const [one, other] = await Promise.all([archiveOf([WASM, TOML]), archiveOf([TOML, WASM])]);
    const [a, b] = [await readPackage(one), await readPackage(other)];
    expect(a.hashsum).not.toBe(b.hashsum);
    expect(a.filesHash).toBe(b.filesHash);
  });

  test("without a program is taken only where it says that it is the product's own for mirrors", async () => {
    const own = 'name = "sitefleet"\n[sitefleet]\nmirror_only = true\n';
    const withManifest = (body: string): Promise<Buffer> => archiveOf([{ name: "p/fastly.toml", body }]);
    expect(await readPackage(await withManifest(own))).toMatchObject({ name: "sitefleet", mirrorOnly: true });
    for (const other of [
      own.replace("sitefleet", "shop"),
      own.replace("true", "false"),
      'name = "sitefleet"',
    ]) {
      expect(await problemOf(await withManifest(other))).toBe("there is no bin/main.wasm in its folder");
    }
    const whole = await archiveOf([WASM, { name: "p/fastly.toml", body: own }]);
    expect(await readPackage(whole)).toMatchObject({ mirrorOnly: false });
  });
});

describe("an archive that is no package", () => {
  test.each<[string, readonly ArchiveFile[], string | RegExp]>([
    ["has no manifest", [WASM], "there is no fastly.toml in its folder"],
    ["has no program", [TOML], "there is no bin/main.wasm in its folder"],
    ["has text for a program", [TOML, { ...WASM, body: "(module)" }], "bin/main.wasm is not WebAssembly"],
    ["has a cut program", [TOML, { ...WASM, body: "\0asm" }], "bin/main.wasm is not WebAssembly"],
    [
      "has its files at the top",
      [{ name: "fastly.toml", body: MANIFEST }],
      "its files are not all in one folder",
    ],
    ["has two folders", [TOML, WASM, { name: "q/x", body: "" }], "its files are not all in one folder"],
    ["has a broken manifest", [WASM, { ...TOML, body: "name = " }], /^fastly\.toml is not valid TOML/],
    ["has a manifest without a name", [WASM, { ...TOML, body: "language = 'x'" }], /^fastly\.toml: name: /],
    ["leads out of its folder", [TOML, WASM, { name: "p/../../x" }], /is not a plain relative path$/],
    ["has an absolute path", [TOML, WASM, { name: "/etc/passwd" }], /is not a plain relative path$/],
    ["begins with a dot", [{ name: "./fastly.toml" }], /is not a plain relative path$/],
    ["has a control character in a path", [TOML, WASM, { name: "p/a\u001bb" }], /no path may have$/],
    ["has a backslash in a path", [TOML, WASM, { name: "p\\..\\x" }], /no path may have$/],
    ["has a file twice", [TOML, WASM, TOML], '"p/fastly.toml" is there twice'],
    ["has a link", [TOML, { ...WASM, type: "symlink", linkname: "/etc/passwd" }], /is a symlink$/],
    ["has a hard link", [TOML, { ...WASM, type: "link", linkname: "p/fastly.toml" }], /is a link$/],
  ])("%s", async (_, files, problem) => {
    expect(await problemOf(await archiveOf(files))).toMatch(problem);
  });

  const small = { unpackedBytes: 1_000_000, entries: 20 };

  test("has too many entries", async () => {
    const many = Array.from({ length: 21 }, (_, i) => ({ name: `p/${i}` }));
    expect(await problemOf(await archiveOf(many), small)).toBe("it has more than 20 entries");
  });

  test("is a bomb: what it would unpack to ends the reading, not the memory", async () => {
    const zeros = Buffer.alloc(5_000_000);
    const bomb = await archiveOf([TOML, { name: "p/bin/main.wasm", body: zeros }]);
    expect(bomb.length).toBeLessThan(10_000);
    expect(await problemOf(bomb, small)).toBe("it has more than 1000000 bytes when it is unpacked");
  });

  test("is cut off, not gzipped, no tar, or nothing at all", async () => {
    const archive = await packageArchive({ wasm: Buffer.concat([SMALLEST_WASM, Buffer.alloc(5000, "x")]) });
    const broken = [
      archive.subarray(0, archive.length - 20),
      Buffer.from("PK\u0003\u0004"),
      gzipSync("text"),
      gzipSync(Buffer.alloc(1024)),
      Buffer.alloc(0),
    ];
    for (const bytes of broken) expect(await problemOf(bytes)).not.toBe("it is a package");
  });

  test("is any bytes, gzipped or not: it is refused and is no fault", async () => {
    await assert(
      asyncProperty(uint8Array({ maxLength: 2000 }), async (bytes) => {
        expect(await problemOf(bytes)).not.toBe("it is a package");
        expect(await problemOf(gzipSync(bytes))).not.toBe("it is a package");
      }),
      { numRuns: 60 },
    );
  });
});
