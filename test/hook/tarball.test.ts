import { execFileSync } from "node:child_process";
import { mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { fc, it as property } from "@fast-check/vitest";
import { describe, expect, it } from "vitest";

import { DEFAULT_LIMITS } from "../../src/hook/limits.ts";
import { unpackTarball } from "../../src/hook/tarball.ts";
import { tempDir } from "../support/temp-dir.ts";
import { pax, tar, tarGz } from "./archive.ts";
import type { TestEntry } from "./archive.ts";

interface UnpackOptions {
  readonly strip?: boolean;
  readonly gzip?: boolean;
  readonly unpackedBytes?: number;
  readonly entries?: number;
}

async function unpack(archive: Uint8Array, options: UnpackOptions = {}): Promise<Record<string, string>> {
  const dir = await tempDir();
  const path = join(dir, "archive");
  const to = join(dir, "to");
  await writeFile(path, archive);
  await mkdir(to);
  const { strip = false, gzip = false, ...given } = options;
  try {
    const limits = { ...DEFAULT_LIMITS, ...given };
    await unpackTarball({ path, to, strip, gzip, limits, signal: new AbortController().signal });
  } finally {
    // Whatever happened: nothing is beside the folder.
    expect((await readdir(dir)).sort()).toEqual(["archive", "to"]);
  }
  return filesOf(to);
}

async function filesOf(dir: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) found[path.slice(dir.length + 1)] = await readFile(path, "utf8");
  }
  return found;
}

async function refusal(entries: readonly TestEntry[], options?: UnpackOptions): Promise<string> {
  return refusalOf(tar(entries), options);
}

async function refusalOf(archive: Uint8Array, options?: UnpackOptions): Promise<string> {
  const error: unknown = await unpack(archive, options).then(
    () => "it was unpacked",
    (failure: unknown) => failure,
  );
  expect(error).toMatchObject({ code: "hook/invalid-archive" });
  return error instanceof Error ? error.message : "";
}

const page = { name: "index.html", body: "home" };

describe("unpackTarball", () => {
  it("unpacks files and folders, gzipped or not, with or without `./`", async () => {
    const entries = [
      { name: "./", type: "5" },
      { name: "./index.html", body: "home" },
      { name: "docs/", type: "5" },
      { name: "docs/a b ü.html", body: "umlaut" },
      { name: "assets/deep/x.css", body: "", type: "\0" },
    ];
    const files = { "index.html": "home", "docs/a b ü.html": "umlaut", "assets/deep/x.css": "" };
    expect(await unpack(tar(entries))).toEqual(files);
    expect(await unpack(tarGz(entries), { gzip: true })).toEqual(files);
  });

  it("takes long names of both kinds, and a global header as `git archive` writes it", async () => {
    const long = `${"folder-".repeat(20)}/page.html`;
    expect(
      await unpack(
        tar([
          pax({ comment: "0123456789abcdef" }, "g"),
          pax({ path: `pax/${long}`, mtime: "1.5" }),
          { name: "short", body: "pax" },
          { name: "././@LongLink", type: "L", body: `gnu/${long}\0` },
          { name: "short", body: "gnu" },
        ]),
      ),
    ).toEqual({ [`pax/${long}`]: "pax", [`gnu/${long}`]: "gnu" });
  });

  it("unpacks what the system's tar packs", async () => {
    const dir = await tempDir();
    const deep = `${"long".repeat(15)}/${"long".repeat(15)}`;
    await mkdir(join(dir, "site", deep), { recursive: true });
    await writeFile(join(dir, "site", "index.html"), "home");
    await writeFile(join(dir, "site", deep, "ü.html"), "deep");
    for (const format of ["gnu", "pax", "ustar"]) {
      const archive = join(dir, `${format}.tar.gz`);
      execFileSync("tar", ["-C", join(dir, "site"), `--format=${format}`, "-czf", archive, "."]);
      expect(await unpack(await readFile(archive), { gzip: true })).toEqual({
        "index.html": "home",
        [`${deep}/ü.html`]: "deep",
      });
    }
  });

  it.each([
    ["an absolute path", { name: "/etc/passwd" }, "absolute"],
    ["a path that leads out", { name: "../evil.html" }, "`..`"],
    ["a path that leads out and in", { name: "a/../../to/evil.html" }, "`..`"],
    ["a backslash", { name: "..\\evil.html" }, "backslash"],
    ["a control character", { name: "a\u0001b" }, "control character"],
    ["a name that is not UTF-8", { name: Buffer.from([0x61, 0xff, 0x62]) }, "not UTF-8"],
    ["a symbolic link", { name: "a", type: "2", link: "/etc/passwd" }, "symlink"],
    ["a hard link", { name: "a", type: "1", link: "index.html" }, "link"],
    ["a character device", { name: "a", type: "3" }, "character-device"],
    ["a block device", { name: "a", type: "4" }, "block-device"],
    ["a pipe", { name: "a", type: "6" }, "fifo"],
    ["a sparse file of GNU tar", { name: "a", type: "S" }, "neither"],
    ["a continued volume", { name: "a", type: "M" }, "neither"],
    ["a vendor's type", { name: "a", type: "Z" }, "neither"],
    ["the same file twice", { name: "./index.html" }, "twice"],
    ["a file below a file", { name: "index.html/a" }, "both a file and a folder"],
    ["a file without a name", { name: "." }, "names no file"],
    ["a name of 256 bytes", { name: "././@LongLink", type: "L", body: "n".repeat(256) }, "255"],
  ])("refuses %s", async (_, entry, reason) => {
    expect(await refusal([page, entry, { name: "last.html" }])).toContain(reason);
  });

  it("refuses a path in an extended header that leads out, and one that is too long", async () => {
    expect(await refusal([pax({ path: "../../evil" }), page])).toContain("`..`");
    expect(await refusal([pax({ path: "/evil" }, "g"), page])).toContain("absolute");
    expect(await refusal([pax({ path: "a/".repeat(600) }), page])).toContain("1024 bytes");
    expect(await refusal([pax({ path: `${"a/".repeat(70)}b` }), page])).toContain("64 folders");
  });

  it("refuses sparse files and sizes that hide in extended headers", async () => {
    expect(await refusal([pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0" }), page])).toContain(
      "sparse",
    );
    const hidden = tar([{ name: "inner/../../evil", body: "x" }]);
    expect(
      await refusal([pax({ size: String(hidden.length) }), { name: "a", size: 0, body: hidden }]),
    ).toContain("extended header");
  });

  it("refuses what has more bytes than allowed before they are on disk", async () => {
    const bomb = gzipSync(tar([page, { name: "zeros", body: Buffer.alloc(8_000_000) }]));
    expect(bomb.length).toBeLessThan(20_000);
    expect(await refusalOf(bomb, { gzip: true, unpackedBytes: 1_000_000 })).toContain("1000000 bytes");
  });

  it("refuses too many entries, also when they are folders or headers", async () => {
    const folders = Array.from({ length: 101 }, (_, index) => ({ name: `d${index}/`, type: "5" }));
    expect(await refusal(folders, { entries: 100 })).toContain("100 entries");
    expect(Object.keys(await unpack(tar([...folders.slice(1), page]), { entries: 101 }))).toEqual([
      "index.html",
    ]);
    const headers = Array.from({ length: 101 }, () => pax({ comment: "x" }));
    expect(await refusal(headers, { entries: 100 })).toContain("100 entries");
  });

  it("counts the folders that paths of files ask for", async () => {
    const deep = Array.from({ length: 4 }, (_, index) => ({
      name: `${index}${"/a".repeat(29)}/x`,
      body: "",
    }));
    expect(await refusal(deep, { entries: 100 })).toContain("100 folders");
    expect(Object.keys(await unpack(tar(deep), { entries: 120 }))).toHaveLength(4);
    const flat = Array.from({ length: 100 }, (_, index) => ({ name: `a/b/${index}`, body: "" }));
    expect(Object.keys(await unpack(tar(flat), { entries: 100 }))).toHaveLength(100);
  });

  it("refuses an extended header that no path needs", async () => {
    expect(await refusal([pax({ comment: "x".repeat(70_000) }), page])).toContain("header of more than");
  });

  it("refuses what is cut off, damaged, followed by something, or no archive", async () => {
    const archive = tar([page]);
    await refusalOf(archive.subarray(0, 515));
    await refusalOf(archive.subarray(0, 1_024));
    await refusalOf(Buffer.concat([archive, Buffer.from("more".repeat(200))]));
    const damaged = Buffer.from(archive);
    damaged[0] = 0x41;
    expect(await refusalOf(damaged)).toContain("checksum");
    await refusalOf(Buffer.from("<html>no archive</html>"));
    await refusalOf(archive, { gzip: true });
    await refusalOf(gzipSync(archive).subarray(0, 60), { gzip: true });
    await refusalOf(gzipSync(archive));
    await refusalOf(Buffer.alloc(0));
  });

  describe("with strip", () => {
    it("takes off the one folder that everything is in", async () => {
      const entries = [
        { name: "./dist/", type: "5" },
        { name: "./dist/index.html", body: "home" },
      ];
      expect(await unpack(tar(entries), { strip: true })).toEqual({ "index.html": "home" });
    });

    it("refuses a second folder, and files outside", async () => {
      const inside = { name: "dist/index.html", body: "home" };
      expect(await refusal([inside, { name: "other/a" }], { strip: true })).toContain("strip=1");
      expect(await refusal([inside, page], { strip: true })).toContain("strip=1");
    });
  });

  it("does not follow links that are in the way", async () => {
    const dir = await tempDir();
    await mkdir(join(dir, "to"));
    await mkdir(join(dir, "elsewhere"));
    await symlink(join(dir, "elsewhere", "target"), join(dir, "to", "index.html"));
    await writeFile(join(dir, "archive"), tar([page]));
    const input = { path: join(dir, "archive"), to: join(dir, "to"), strip: false, gzip: false };
    const { signal } = new AbortController();
    const unpacked = unpackTarball({ ...input, limits: DEFAULT_LIMITS, signal });
    await expect(unpacked).rejects.toMatchObject({ code: "hook/invalid-archive" });
    expect(await readdir(join(dir, "elsewhere"))).toEqual([]);
  });

  const name = fc.oneof(
    fc.string({ unit: "binary", maxLength: 12 }),
    fc
      .array(fc.constantFrom("..", ".", "a", "b", "", "/", "~", "\u0000", "a\\b"), { maxLength: 5 })
      .map((parts) => parts.join("/")),
  );
  property.prop(
    [
      fc.array(
        fc.record({ name, body: fc.string({ maxLength: 20 }), type: fc.constantFrom("0", "5", "2", "1") }),
        { maxLength: 4 },
      ),
    ],
    {
      numRuns: 60,
    },
  )("never writes outside the folder, whatever the names are", async (entries) => {
    // `unpack` looks beside the folder itself.
    await unpack(tar(entries)).catch((error: unknown) => {
      expect(error).toMatchObject({ code: "hook/invalid-archive" });
    });
  });

  property.prop([fc.uint8Array({ maxLength: 3_000 }), fc.boolean()], { numRuns: 60 })(
    "never fails but by refusing, whatever the bytes are",
    async (bytes, gzip) => {
      await unpack(bytes, { gzip }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: "hook/invalid-archive" });
      });
    },
  );
});
