import { createHash } from "node:crypto";
import { chmod, mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { SitefleetError } from "../../../src/lib/errors.ts";
import { FILE_LIMIT, scanFolder } from "../../../src/publish/folder/scan.ts";
import { canonicalPath, encodePath } from "../../../src/site/page-key.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { folder } from "../publish-fixture.ts";

const { signal } = new AbortController();

async function problemsOf(dir: string): Promise<readonly string[]> {
  try {
    await scanFolder(dir, signal);
  } catch (error) {
    if (error instanceof SitefleetError && error.code === "publish/invalid-folder") {
      expect(error.exitCode).toBe(2);
      return error.details.length > 0 ? error.details : [error.message];
    }
    throw error;
  }
  return [];
}

describe("scanFolder", () => {
  it.each([
    ["with space.html", "with space.html", "/with%20space"],
    ["100%.html", "100%.html", "/100%25"],
    ["a%2Fb.txt", "a%2Fb.txt", "/a%252Fb.txt"],
    ["%2e%2e.txt", "%2e%2e.txt", "/%252e%252e.txt"],
    ["a+b.html", "a+b.html", "/a%2Bb"],
    ["what?.html", "what?.html", "/what%3F"],
    ["c#.html", "c#.html", "/c%23"],
    ["ü/index.html", "ü.html", "/%C3%BC/"],
    ["u\u0308.html", "ü.html", "/%C3%BC"],
    ["日本.html", "日本.html", "/%E6%97%A5%E6%9C%AC"],
    ["\u{1f600}.png", "\u{1f600}.png", "/%F0%9F%98%80.png"],
    ["a&b=c;d,e.html", "a&b=c;d,e.html", "/a%26b%3Dc%3Bd%2Ce"],
    ["'quoted\".html", "'quoted\".html", "/%27quoted%22"],
    ["a|b<c>.html", "a|b<c>.html", "/a%7Cb%3Cc%3E"],
    ["-dash", "-dash.html", "/-dash"],
    ["__proto__/constructor.html", "__proto__/constructor.html", "/__proto__/constructor"],
    [".well-known/security.txt", ".well-known/security.txt", "/.well-known/security.txt"],
  ])("publishes %j as the key %j at %s", async (name, key, canonical) => {
    const { files } = await scanFolder(await folder({ [name]: "x" }), signal);
    expect(files).toMatchObject([{ key, size: 1 }]);
    expect(files.map(({ path }) => encodePath(canonicalPath(path)))).toEqual([canonical]);
  });

  it("sorts by key and leaves out dotfiles and what is meant for publishers", async () => {
    const dir = await folder({
      "b.html": "",
      "a/c.html": "",
      ".env": "SECRET",
      ".git/config": "x",
      "a/.hidden": "x",
      _redirects: "/a /b",
      _headers: "x",
      "netlify.toml": "y",
      "a/_redirects": "served",
    });
    const scan = await scanFolder(dir, signal);
    expect(scan.files.map(({ path }) => path)).toEqual(["a/_redirects", "a/c.html", "b.html"]);
    expect(scan.redirects).toBe("/a /b");
    expect([...scan.control]).toEqual([
      ["_redirects", "/a /b"],
      ["_headers", "x"],
      ["netlify.toml", "y"],
    ]);
    expect(scan.warnings).toEqual([]);
  });

  it("leaves out what the ignore files name, as git would", async () => {
    const dir = await folder({
      ".sitefleetignore": "# drafts\n*.map\n!keep.map\n/drafts/\nnotes/**/*.txt\n_redirects\n",
      ".assetsignore": "_worker.js\r\n!drafts\r\n[ab].css\r\n",
      _redirects: "/x /y",
      "_worker.js": "x",
      "a.css": "x",
      "c.css": "x",
      "app.js.map": "x",
      "keep.map": "x",
      "drafts/a.html": "x",
      "sub/drafts/a.html": "x",
      "notes/a.html": "x",
      "notes/deep/er/a.txt": "x",
      "CASE.MAP": "x",
    });
    const scan = await scanFolder(dir, signal);
    expect(scan.files.map(({ path }) => path)).toEqual([
      "CASE.MAP",
      "c.css",
      "drafts/a.html",
      "keep.map",
      "notes/a.html",
      "sub/drafts/a.html",
    ]);
    expect(scan.redirects).toBe("/x /y");
  });

  it("is not held up by a hostile ignore file", async () => {
    const patterns = [
      "a*".repeat(300) + "b",
      "**/".repeat(200) + "b",
      "[a-z]*".repeat(100) + "!",
      "?*".repeat(300),
    ];
    const dir = await folder({
      ".sitefleetignore": patterns.join("\n"),
      [`${"a".repeat(240)}.html`]: "x",
      c: "y",
    });
    expect((await scanFolder(dir, signal)).files.map(({ path }) => path)).toContain("c");
    const many = await folder({ ".sitefleetignore": "x\n".repeat(1_001), "index.html": "x" });
    expect(await problemsOf(many)).toEqual([expect.stringContaining("has 1001 patterns, the limit is 1000")]);
  });

  it("tells text from bytes at any size, also where a character lies across two pieces", async () => {
    const euro = "\u20ac".repeat(100_000);
    const dir = await folder({
      "big.txt": `${euro}x${euro}`,
      "cut.txt": Buffer.from(euro).subarray(0, -1),
      "latin.html": new Uint8Array([0x3c, 0xfc, 0x3e]),
      BIG: `${"x".repeat(300_000)}\0`,
      SMALL: "text",
    });
    const { files } = await scanFolder(dir, signal);
    expect(Object.fromEntries(files.map(({ path, contentType }) => [path, contentType]))).toEqual({
      "big.txt": "text/plain; charset=utf-8",
      "cut.txt": "text/plain",
      "latin.html": "text/html",
      BIG: "application/octet-stream",
      SMALL: "text/plain; charset=utf-8",
    });
    const hash = createHash("sha256").update(`${euro}x${euro}`).digest("hex");
    expect(files.find(({ path }) => path === "big.txt")).toMatchObject({ hash, size: 600_001 });
  });

  it.each([
    [
      { "about.html": "x", "about/index.html": "y" },
      'about.html and about/index.html: both are the page "/about',
    ],
    [
      { LICENSE: "x", "LICENSE.html": "y" },
      'LICENSE and LICENSE.html: both are the page "/LICENSE" (key "LICENSE.html")',
    ],
    [
      { "ü.html": "x", "u\u0308.html": "y" },
      "ü.html: exists in two Unicode normal forms, which are the page",
    ],
    [{ "a\\b.html": "x" }, "a\\b.html: has a name that has a backslash"],
    [{ "a\nb.html": "x" }, "a\\u000ab.html: has a name that has a control character"],
    [{ "a\u007fb.html": "x" }, "a\\u007fb.html: has a name that has a control character"],
    [{ ".env": "only hidden files" }, "has nothing to publish"],
  ])("refuses %j", async (files, problem) => {
    expect(await problemsOf(await folder(files))).toEqual([expect.stringContaining(problem)]);
  });

  it("refuses a name that is not UTF-8", async () => {
    const dir = await folder({ "index.html": "x" });
    await writeFile(Buffer.concat([Buffer.from(`${dir}/bad`), Buffer.from([0xff, 0xfe])]), "x");
    expect(await problemsOf(dir)).toEqual([expect.stringContaining("has a name that is not UTF-8")]);
  });

  it("follows links inside the folder and refuses those that leave it, lead nowhere or never end", async () => {
    const dir = await folder({ "real/page.html": "x", "index.html": "y" });
    const outside = await folder({ "secret.txt": "s" });
    await symlink(join(dir, "real/page.html"), join(dir, "linked.html"));
    expect((await scanFolder(dir, signal)).files.map(({ key }) => key)).toContain("linked.html");
    await symlink(join(outside, "secret.txt"), join(dir, "out.txt"));
    await symlink(outside, join(dir, "outdir"));
    await symlink("../../etc/passwd", join(dir, "real/up"));
    await symlink("nowhere", join(dir, "broken"));
    await symlink("..", join(dir, "real/loop"));
    await symlink(`${dir}x`, join(dir, "sibling"));
    await mkdir(`${dir}x`);
    expect(await problemsOf(dir)).toEqual([
      "broken: cannot be read: ENOENT",
      "out.txt: is a link that leaves the folder",
      "outdir: is a link that leaves the folder",
      "real/loop: is a link to a folder that holds it",
      expect.stringMatching(/^real\/up: (is a link that leaves the folder|cannot be read: ENOENT)$/),
      "sibling: is a link that leaves the folder",
    ]);
  });

  it("refuses a file over 20 MB and takes one of exactly 20 MB", async () => {
    const dir = await folder({ "big.bin": "", "fits.bin": "" });
    await truncate(join(dir, "big.bin"), FILE_LIMIT + 1);
    await truncate(join(dir, "fits.bin"), FILE_LIMIT);
    expect(await problemsOf(dir)).toEqual(
      ["big.bin: has 20000001 bytes, the limit is 20000000"].map(
        (text) => expect.stringContaining(text) as string,
      ),
    );
  });

  it("takes far larger files of the extensions that the edge caches in segments", async () => {
    const dir = await folder({ "film.MP4": "", "film.mov": "" });
    await truncate(join(dir, "film.MP4"), FILE_LIMIT + 1);
    const { files } = await scanFolder(dir, signal, { segmented: ["mp4"] });
    expect(files.find(({ path }) => path === "film.MP4")).toMatchObject({ size: FILE_LIMIT + 1 });
    expect(await problemsOf(dir)).toEqual([expect.stringContaining("film.MP4: has 20000001 bytes")]);
  });

  it("stops when the signal aborts", async () => {
    const reason = new Error("stopped");
    const dir = await folder({ "index.html": "x" });
    await expect(scanFolder(dir, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it.skipIf(process.getuid?.() === 0)("names a file that it may not read", async () => {
    const dir = await folder({ "index.html": "x", "closed.html": "y" });
    await chmod(join(dir, "closed.html"), 0);
    expect(await problemsOf(dir)).toEqual(["closed.html: cannot be read: EACCES"]);
  });

  it("refuses what is no folder", async () => {
    const dir = await folder({ "index.html": "x" });
    expect(await problemsOf(join(dir, "index.html"))).toEqual([expect.stringContaining("is not a folder")]);
    expect(await problemsOf(join(dir, "none"))).toEqual([expect.stringContaining("does not exist")]);
    expect(await problemsOf(await tempDir())).toEqual([expect.stringContaining("has nothing to publish")]);
  });

  it("refuses a `_redirects` that is not UTF-8", async () => {
    const dir = await folder({ "index.html": "x", _redirects: new Uint8Array([0x2f, 0xff]) });
    expect(await problemsOf(dir)).toEqual([expect.stringContaining("_redirects: is not UTF-8")]);
  });

  it("reports every problem, not only the first", async () => {
    const files = Object.fromEntries(Array.from({ length: 120 }, (_, index) => [`bad\\${index}.html`, "x"]));
    const problems = await problemsOf(await folder(files));
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toBe("and 20 more");
  });
});
