import { chmod, rm, symlink, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  PUBLISH,
  endContract,
  folder,
  holds,
  mirrorFile,
  root,
  run,
  settings,
  startContract,
} from "./bad-input-contract.ts";
import type { Prepare, Row } from "./bad-input-contract.ts";

const rules = (lines: string): Prepare => folder({ "index.html": "new", _redirects: lines });
const LONG = `${"a".repeat(62)}.`.repeat(4);
const longPath = Array.from({ length: 6 }, (_, i) => `${i}${"d".repeat(180)}`).join("/");
const bigRules = Array.from(
  { length: 12 },
  // With a placeholder first a rule is in every bucket, so buckets make no room.
  (_, i) => `/:zero/${"x".repeat(90)}${i}/* /${"y".repeat(90)}/:zero/:splat`,
);

const usage: readonly Row[] = [
  {
    title: "a command that does not exist",
    argv: ["publsh"],
    exit: 2,
    code: "cli/usage",
    names: ["publsh", "publish"],
  },
  {
    title: "a flag that does not exist",
    argv: ["site", "list", "--jsn"],
    exit: 2,
    code: "cli/usage",
    names: ["--jsn", "--json"],
  },
  { title: "a missing flag", argv: ["publish", "DIR"], exit: 2, code: "cli/usage", names: ["--site"] },
  { title: "a missing argument", argv: ["site", "show"], exit: 2, code: "cli/usage", names: ["site"] },
  {
    title: "an argument too many",
    argv: ["redirect", "add", "/a", "/b", "302", "--site", "victim"],
    exit: 2,
    code: "cli/usage",
    names: ["3"],
  },
  { title: "a purge of nothing", argv: ["purge"], exit: 2, code: "cli/usage", names: ["--site"] },
  {
    title: "a deletion for good without --yes",
    argv: ["site", "delete", "victim", "--purge-files"],
    exit: 2,
    code: "cli/usage",
    names: ["victim", "--yes"],
  },
  { title: "a reset without --yes", argv: ["mirror", "reset"], exit: 2, code: "cli/usage", names: ["--yes"] },
  {
    title: "a port that is none",
    argv: ["mirror", "up", "--s3-port", "99999"],
    exit: 2,
    code: "cli/usage",
    names: ["99999", "65535"],
  },
];

const settingsRows: readonly Row[] = [
  {
    title: "no settings file",
    argv: ["site", "list", "--env", "production"],
    prepare: () => rm(join(root, "sitefleet.config.json"), { force: true }),
    exit: 2,
    code: "settings/not-found",
    names: ["sitefleet.config.ts"],
  },
  {
    title: "a settings file that is not there",
    argv: ["render", "--env", "test", "--config", "none.json"],
    exit: 2,
    code: "settings/not-found",
    names: ["none.json"],
  },
  {
    title: "a settings file for the mirror",
    argv: ["site", "list", "--config", "none.json"],
    exit: 2,
    code: "cli/usage",
    names: ["local", "--env"],
  },
  {
    title: "settings that are no JSON",
    argv: ["site", "list", "--env", "test"],
    prepare: settings("{"),
    exit: 2,
    code: "settings/invalid",
    names: ["sitefleet.config.json"],
  },
  {
    title: "settings with several mistakes, all at once",
    argv: ["site", "list", "--env", "test"],
    prepare: settings('{"environments":{"test":{"fastly":{},"s3":{"region":5},"ports":1}}}'),
    exit: 2,
    code: "settings/invalid",
    names: ["environments.test.s3.region", "environments.test.s3.configBucket", "ports"],
  },
  {
    title: "an unknown server environment",
    argv: ["site", "list", "--env", "prodution"],
    prepare: settings('{"environments":{}}'),
    exit: 2,
    code: "settings/unknown-environment",
    names: ["prodution", "local"],
  },
  {
    title: "an unknown website environment",
    argv: ["site", "show", "victim", "--site-env", "stagin"],
    exit: 2,
    code: "site/invalid-setting",
    names: ["stagin", "staging"],
  },
];

const add = (domain: string): readonly string[] => ["domain", "add", domain, "--site", "victim"];
const domainRow = (title: string, domain: string, ...names: readonly string[]): Row => ({
  title: `a domain that is ${title}`,
  argv: add(domain),
  exit: 2,
  code: "domain/invalid-name",
  names: [domain, ...names],
});

const names: readonly Row[] = [
  domainRow("in letters of its own", "bücher.example", "xn--bcher-kva.example"),
  domainRow("a wildcard", "*.example.com", "wildcard"),
  domainRow("an IPv4 address", "192.0.2.1", "IP address"),
  domainRow("an IPv6 address", "[2001:db8::1]"),
  domainRow("with a trailing dot", "www.example.com.", "did you mean www.example.com?"),
  domainRow("in upper case", "WWW.example.com", "did you mean www.example.com?"),
  {
    title: "a domain of 254 characters",
    argv: add(`${LONG}${"b".repeat(254 - LONG.length)}`),
    exit: 2,
    code: "domain/invalid-name",
    names: ["254", "253"],
  },
  domainRow("a URL", "https://www.example.com/", "www.example.com"),
  domainRow("an underscore", "a_b.example.com"),
  domainRow("empty", ""),
  ...["Victim", "a--b", "-a", "a.b", "a/b", "ü", "", "a".repeat(41)].map((uid): Row => ({
    title: `a site uid outside its alphabet: ${JSON.stringify(uid)}`,
    argv: ["publish", "DIR", `--site=${uid}`],
    prepare: folder({ "index.html": "new" }),
    exit: 2,
    code: "site/invalid-name",
    names: [uid],
  })),
  {
    title: "a domain of another site",
    argv: ["domain", "add", "victim.localhost", "--site", "other"],
    exit: 2,
    code: "domain/taken",
    names: ["victim.localhost", "victim", "--take-over"],
  },
  {
    title: "a site that is not there",
    argv: ["site", "show", "nobody"],
    exit: 2,
    code: "site/not-found",
    names: ["nobody"],
  },
  {
    title: "a release that is not there",
    argv: ["site", "rollback", "victim", "--to", "zz"],
    exit: 2,
    code: "release/not-found",
    names: ["zz"],
  },
];

const folderRow = (title: string, prepare: Prepare, ...named: Row["names"]): Row => ({
  title,
  argv: PUBLISH,
  prepare,
  exit: 2,
  code: "publish/invalid-folder",
  names: named,
});

const folders: readonly Row[] = [
  folderRow(
    "a folder that is not there",
    () => rm(join(root, "DIR"), { recursive: true, force: true }),
    "DIR",
  ),
  folderRow("an empty folder", folder({}), "DIR"),
  folderRow(
    "a path over 1,024 bytes",
    folder({ "index.html": "new", [`${longPath}/a.html`]: "x" }),
    "0ddd",
    "1024",
  ),
  folderRow(
    "two files with one page key",
    folder({ "about.html": "1", "about/index.html": "2" }),
    "about.html",
    "about/index.html",
  ),
  folderRow(
    "one name in both Unicode normal forms",
    folder({ "\u00fc.html": "1", "u\u0308.html": "2" }),
    "\u00fc.html",
    "normal form",
  ),
  folderRow(
    "a link that leaves the folder",
    folder({ "index.html": "new" }, (dir) => symlink(tmpdir(), join(dir, "out"))),
    "out",
    "link",
  ),
  folderRow(
    "a link that leads nowhere",
    folder({ "index.html": "new" }, (dir) => symlink("none", join(dir, "dead"))),
    "dead",
  ),
  folderRow(
    "a file over 20 MB",
    folder({ "big.bin": "" }, (dir) => truncate(join(dir, "big.bin"), 20_000_001 * 2)),
    "big.bin",
    "limit",
  ),
  folderRow("a name with a control character", folder({ "a\u0001.html": "x" }), /a.*\.html/),
  folderRow("a name with a backslash", folder({ "a\\b.html": "x" }), /a.*b\.html/),
];

const ruleRow = (title: string, lines: string, ...named: Row["names"]): Row => ({
  title,
  argv: PUBLISH,
  prepare: rules(lines),
  exit: 2,
  code: "redirects/invalid",
  names: named,
});

const redirectRows: readonly Row[] = [
  ruleRow("a rule with one word", "/ok /b\n/alone", "_redirects:2", "/alone"),
  ruleRow("a rule with a status that is none", "/a /b 299", "_redirects:1", "299"),
  ruleRow("a rule to a scheme of its own", "/a javascript:alert(1)", "_redirects:1"),
  ruleRow("two rules that lead to each other", "/a /b\n/b /a", "_redirects", "/a", "/b"),
  ruleRow("a rule that leads to itself", "/a/* /a/:splat", "_redirects:1", "/a/*"),
  ruleRow(
    "a rule of another product's kind",
    "/api/* https://api.example.com/:splat 200",
    "_redirects:1",
    "200",
  ),
  {
    title: "a wrong rule on the command line",
    argv: ["redirect", "add", "//old", "/new", "--site", "victim"],
    exit: 2,
    code: "redirects/invalid",
    names: ["//old", "`//`"],
  },
  {
    title: "rules that do not fit into a domain's metadata",
    argv: PUBLISH,
    prepare: rules(bigRules.join("\n")),
    exit: 2,
    code: "redirects/invalid",
    names: [/\d+ bytes|2,?000/, /x{20}/],
  },
  {
    title: "more error pages of directories than a domain's metadata holds",
    argv: PUBLISH,
    prepare: folder(Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`d${i}/404.html`, "none"]))),
    exit: 2,
    code: "site/config-too-large",
    names: [/\d+ bytes|2,?000/],
  },
  {
    title: "more patterns than there are slots",
    argv: PUBLISH,
    prepare: rules(Array.from({ length: 40 }, (_, i) => `/p/a${i}/* /q/:splat`).join("\n")),
    exit: 2,
    code: "redirects/invalid",
    names: ["_redirects:", "24"],
  },
];

beforeAll(startContract);

afterAll(endContract);

describe.each([
  ["the command line", usage],
  ["settings and environments", settingsRows],
  ["names", names],
  ["a folder", folders],
  ["redirects", redirectRows],
])("bad input: %s", (_, rows) => {
  test.for(rows)("$title", holds);
});

describe("bad input that depends on the machine", () => {
  const root0 = process.getuid?.() === 0;
  if (root0) process.stderr.write("skipped: root can read every file, so none is unreadable\n");

  test.skipIf(root0)("an unreadable file", () =>
    holds(
      folderRow(
        "an unreadable file",
        folder({ "index.html": "new", "closed.html": "x" }, (dir) => chmod(join(dir, "closed.html"), 0)),
        "closed.html",
        "EACCES",
      ),
    ),
  );
});

describe("odd input that is right", () => {
  test("names with space, %, +, ?, # and Unicode are published and found", async () => {
    const odd = ["a b.html", "100%.html", "a+b.html", "what?.html", "c#.html", "u\u0308.html"];
    await folder(Object.fromEntries(odd.map((name) => [name, `page ${name.normalize("NFC")}`])))();
    const { code, err } = await run(["publish", "DIR", "--site", "odd", "--domain", "odd.localhost"]);
    expect(err).not.toContain("error");
    expect(code).toBe(0);
    for (const name of odd) {
      const path = encodeURIComponent(name.normalize("NFC").replace(/\.html$/, ""));
      const headers = { host: "odd.localhost" };
      const answer = await request(`${mirrorFile().edge.http}/${path}`, { headers });
      expect([answer.statusCode, await answer.body.text()]).toEqual([200, `page ${name.normalize("NFC")}`]);
    }
  });
});
