import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { domainToASCII } from "node:url";

import { test } from "@fast-check/vitest";
import * as fc from "fast-check";
import { describe, expect } from "vitest";

import { SitefleetError } from "../../src/lib/errors.ts";
import { pruneSite } from "../../src/publish/prune/prune.ts";
import type { PublishDeps, SiteRef } from "../../src/publish/publish-deps.ts";
import { publishFolder } from "../../src/publish/publish.ts";
import { rollBack } from "../../src/publish/release/rollback.ts";
import { deleteSite, purgeFiles } from "../../src/publish/prune/site-deletion.ts";
import { configKey, manifestKey, privatePrefix, recordKey, sitePrefix } from "../../src/site/layout.ts";
import { checkDomainName, parsePreviewName, previewHost, siteUidProblem } from "../../src/site/names.ts";
import { decodePath, encodePath, pageKey, pathProblem } from "../../src/site/page-key.ts";
import { matchRule, redirectLocation } from "../../src/site/rule-slots.ts";
import { arbitraryFile, arbitraryRule, arbitrarySegment } from "../site/arbitraries.ts";
import { tempDir } from "../support/temp-dir.ts";
import { newWorld, openDeps, visible } from "./publish-fixture.ts";
import type { World } from "./publish-fixture.ts";

/** Uids of which one begins as the other does, or looks like a release, a preview or a folder of ours. */
const PAIRS = [
  ["a", "a-1"],
  ["acme", "acme-2"],
  ["1", "1-1"],
  ["rules", "releases"],
  ["x1", "x"],
  ["pr-a", "a"],
] as const;
const PREVIEW = "pr";

const word = fc.oneof(
  arbitrarySegment.map((segment) => `/${segment}`),
  fc
    .array(
      fc.constantFrom("..", ".", "*", ":a", ":splat", "%2e%2e", "%2F", "%5C", "a", "|", "{1}", "{*}", "="),
      {
        maxLength: 4,
      },
    )
    .map((segments) => `/${segments.join("/")}`),
  fc.constantFrom(
    "https://example.com/:splat",
    "//evil.example",
    "/\\evil.example",
    "302!",
    "200",
    "404",
    "/x\ty",
  ),
  fc.string({ maxLength: 12 }),
);
const rules = fc.array(
  fc
    .tuple(word, word, fc.oneof(word, fc.constantFrom("", "301", "302!", "200", "410")))
    .map((words) => words.join(" ")),
  { maxLength: 30 },
);
const headerLine = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(
        "X-A",
        "Set-Cookie",
        "Content-Type",
        "Cache-Control",
        "Location",
        "Surrogate-Key",
        "x-amz-acl",
      ),
      fc.constantFrom(
        "Content-Disposition",
        "Content-Language",
        "Transfer-Encoding",
        "SF-Path",
        "X-A\rX-B",
        "! X-A",
      ),
      fc.string({ maxLength: 8 }),
    ),
    fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 20 }),
      fc.constantFrom(
        "a\r\nX-Evil: 1",
        "a\nX-Evil: 1",
        "a\u0000b",
        "a|1=X-Evil:1",
        "%0d%0aX-Evil: 1",
        "+%",
        "é",
      ),
    ),
  )
  .map(([name, value]) => `  ${name}: ${value}`);
const headers = fc
  .array(fc.tuple(fc.oneof(word, fc.constantFrom("/*", "/two")), fc.array(headerLine, { maxLength: 4 })), {
    maxLength: 3,
  })
  .map((blocks) => blocks.flatMap(([path, lines]) => [path, ...lines]).join("\n"));
const files = fc
  .array(
    arbitraryFile.filter(
      (path) =>
        pathProblem(path) === undefined &&
        pageKey(`/${path}`) !== "index.html" &&
        Buffer.byteLength(path) < 200,
    ),
    { minLength: 180, maxLength: 220 },
  )
  .map((paths) => [...new Map(paths.map((path) => [pageKey(`/${path.normalize("NFC")}`), path])).values()]);

/** Writes what the file system takes: a file cannot be a folder of another. */
async function write(dir: string, paths: readonly string[]): Promise<void> {
  for (const [index, path] of paths.entries()) {
    try {
      await mkdir(dirname(join(dir, path)), { recursive: true });
      await writeFile(join(dir, path), `file ${index}`, { flag: "wx" });
    } catch (error) {
      if (!(error instanceof Error && /^E(?:EXIST|NOTDIR|ISDIR|NAMETOOLONG)/.test(error.message)))
        throw error;
    }
  }
}

/** Does something as a tenant; what is refused must be refused with a code of ours. */
async function attempt(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof SitefleetError && error.kind !== "fault") return false;
    throw error;
  }
}

function textOf(world: World, isMeant: (key: string) => boolean): string {
  const all = [...world.config, ...world.hosting].filter(([key]) => isMeant(key));
  const lines = all.map(([key, { etag, metadata, headers: fields }]) =>
    JSON.stringify([key, etag, metadata, fields]),
  );
  return JSON.stringify(lines.toSorted());
}

const hostOf = (site: string): string => `www.${site}.example.com`;

/** Everything of a site: its objects, records, configs. */
function isOf(site: string): (key: string) => boolean {
  const hosts = [hostOf(site), `${PREVIEW}--${site}.preview.example.com`];
  const prefixes = [`test/production/${site}/`, `test/production/_sites/${site}/`];
  const exact = [
    `test/production/_sites/${site}.json`,
    ...hosts.map((host) => `test/production/${host}/s3cret`),
  ];
  return (key) => exact.includes(key) || prefixes.some((prefix) => key.startsWith(prefix));
}

function expectTidy(world: World, hosts: readonly string[]): void {
  const untidy: string[] = [];
  for (const [key, { metadata, headers: fields }] of [...world.config, ...world.hosting]) {
    // What S3 and proxies would make of the key as a URL path must be the key itself.
    if (decodeURIComponent(new URL(`http://s3/${encodePath(key)}`).pathname) !== `/${key}`) untidy.push(key);
    for (const value of [...Object.values(metadata), ...Object.values(fields)]) {
      if (!/^[\u0020-\u007e]*$/.test(String(value))) untidy.push(`${key}: ${String(value)}`);
    }
    const location = metadata["l"];
    if (location !== undefined) expectOwn(location, hosts);
  }
  expect(untidy).toEqual([]);
}

/** Where a redirect leads: here, or to a host that a rule names. */
function expectOwn(location: string, hosts: readonly string[]): void {
  const { host } = new URL(location, "https://own.example/");
  expect(["own.example", ...hosts]).toContain(host);
}

async function publishHostile(deps: PublishDeps, ref: SiteRef, dir: string): Promise<boolean> {
  const request = { ...ref, dir, strict: false };
  const isShown = await attempt(publishFolder(deps, { ...request, domains: [hostOf(ref.site)] }));
  await attempt(publishFolder(deps, { ...request, domains: [], preview: { name: PREVIEW } }));
  return isShown;
}

describe("two tenants of one pair of buckets", () => {
  // 50 folders of 200 names: 10,000, with rules and headers.
  test.prop([fc.constantFrom(...PAIRS), files, rules, headers, fc.boolean()], { numRuns: 50 })(
    "never meet, whatever one of them publishes, shows again, prunes or deletes",
    async ([site, other], paths, ruleLines, headerText, first) => {
      const world = newWorld();
      const deps = openDeps(world);
      const [ref, neighbour] = [site, other].map((uid) => ({ site: uid, siteEnv: "production" }));
      if (!ref || !neighbour) throw new Error("no pair");
      const dir = await tempDir();
      await write(dir, ["index.html", "two.html", "deep/er/page.html"]);
      await publishHostile(deps, neighbour, dir);
      if (first) await publishHostile(deps, ref, dir);
      const before = textOf(world, isOf(other));
      const shown = JSON.stringify(visible(world, hostOf(other)));

      await rm(join(dir, "two.html"));
      await write(dir, paths);
      await writeFile(join(dir, "_redirects"), ruleLines.join("\n"));
      await writeFile(join(dir, "_headers"), headerText);
      const isPublished = await publishHostile(deps, ref, dir);
      const isOurs = isOf(site);
      const strange = (key: string): boolean => !isOurs(key) && !isOf(other)(key);
      expect(textOf(world, strange)).toBe("[]");
      expect(textOf(world, isOf(other))).toBe(before);
      expectTidy(world, ["example.com"]);
      if (isPublished) expect(visible(world, hostOf(site))).toBeDefined();

      await attempt(rollBack(deps, ref, undefined));
      await attempt(pruneSite(deps, ref, { keep: 0, olderThan: 0 }));
      expect(textOf(world, isOf(other))).toBe(before);
      if (await attempt(deleteSite(deps, ref))) {
        await purgeFiles(deps, ref);
        // But for the empty object that keeps release ids from beginning anew.
        const isFile = (key: string): boolean => isOurs(key) && !/\/[0-9a-z]{1,4}\/\.gone$/.test(key);
        expect(textOf(world, isFile)).toBe("[]");
      }
      expect(textOf(world, isOf(other))).toBe(before);
      expect(JSON.stringify(visible(world, hostOf(other)))).toBe(shown);
      await rm(dir, { recursive: true, force: true });
    },
    120_000,
  );
});

const uid = fc.stringMatching(/^[a-z0-9-]{1,12}$/).filter((text) => siteUidProblem(text) === undefined);
const previewName = fc.stringMatching(/^[a-z0-9-]{1,8}$/).filter((text) => {
  try {
    return parsePreviewName(text) === text;
  } catch {
    return false;
  }
});

describe("names", () => {
  test.prop([uid, uid, previewName, previewName], { numRuns: 3_000 })(
    "of two previews lead to one host only when they are the same preview of the same site",
    (site, other, name, otherName) => {
      const host = previewHost({ name, site, domain: "p.example.com" });
      const isSame = site === other && name === otherName;
      expect(host === previewHost({ name: otherName, site: other, domain: "p.example.com" })).toBe(isSame);
    },
  );

  test.prop([uid, uid, fc.constantFrom("1", "zz", "rules")], { numRuns: 2_000 })(
    "of two sites have prefixes of which none begins as the other does",
    (site, other, release) => {
      fc.pre(site !== other);
      const [a, b] = [site, other].map((one) => ({ serverEnv: "test", siteEnv: "production", site: one }));
      if (!a || !b) throw new Error("no pair");
      expect(sitePrefix(b).startsWith(sitePrefix(a))).toBe(false);
      expect(privatePrefix(b).startsWith(privatePrefix(a))).toBe(false);
      expect([recordKey(b), manifestKey(b, release)].some((key) => key.startsWith(privatePrefix(a)))).toBe(
        false,
      );
    },
  );

  const hostile = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 24 }),
    fc.stringMatching(/^[a-z0-9._/\\%-]{1,24}$/),
    fc.constantFrom(
      "_sites",
      "_owed",
      "..",
      "a/../b",
      "a.b/_sites",
      "a.b\r\nHost: c",
      "xn--.de",
      "a..b",
      "a.b.",
    ),
  );
  test.prop([hostile], { numRuns: 3_000 })("of domains have one config key, in no folder of ours", (text) => {
    const check = checkDomainName(text, domainToASCII);
    if (check.kind !== "ok") return;
    const key = configKey({
      serverEnv: "test",
      siteEnv: "production",
      domain: check.name,
      segment: "s3cret",
    });
    expect(key.split("/")).toEqual(["test", "production", text, "s3cret"]);
    expect(key).toMatch(/^test\/production\/[a-z0-9][a-z0-9.-]*\/s3cret$/);
  });
});

describe("a rule", () => {
  const raw = fc
    .array(
      fc.oneof(
        arbitrarySegment.map(encodePath),
        fc.constantFrom(
          "",
          "",
          "..",
          "%2e%2e",
          "%2F%2Fevil.example",
          "%5Cevil.example",
          "\\evil.example",
          "@evil.example",
        ),
      ),
      { maxLength: 6 },
    )
    .map((segments) => `/${segments.join("/")}`);
  const query = fc.oneof(
    fc.constantFrom("", "a=//evil.example", "a=%0d%0aX:1", "a=%5C", "b=/../"),
    fc.webQueryParameters(),
  );

  test.prop([arbitraryRule, raw, query], { numRuns: 5_000 })(
    "leads to another host only when it names that host, and never breaks a header",
    (rule, path, asked) => {
      const decoded = decodePath(path);
      if (decoded.kind === "refused") return;
      const request = { path: encodePath(decoded.path), query: asked };
      const match = matchRule([rule], request, { forced: rule.forced });
      if (!match) return;
      if (match.kind === "page") {
        expect(match.target).toMatch(/^\/(?!\/)[\u0021-\u007e]*$/);
        return;
      }
      const location = redirectLocation(match);
      if (!asked.includes("\r")) expect(location).toMatch(/^[\u0021-\u007e]+$/);
      const named = /^https?:\/\/([^/?#]+)/.exec(rule.target)?.[1];
      expectOwn(location, named === undefined ? [] : [named]);
    },
  );
});
