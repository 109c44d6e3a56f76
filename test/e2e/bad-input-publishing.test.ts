import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import {
  CLOSED,
  PUBLISH,
  endContract,
  folder,
  holds,
  lying,
  mirrorFile,
  page,
  run,
  settings,
  startContract,
  succeeds,
  usageRow,
  write,
} from "./bad-input-contract.ts";
import type { Prepare, Row } from "./bad-input-contract.ts";

const withFile = (name: string, text: string): Prepare => folder({ "index.html": "new", [name]: text });

/** A row of exit code 2 for what is published. */
function refused(title: string, code: string, prepare: Prepare, ...names: Row["names"]): Row {
  return { title, argv: PUBLISH, prepare, exit: 2, code, names };
}

const publishing: readonly Row[] = [
  usageRow("a preview that is to be in place", [...PUBLISH, "--preview", "p1", "--in-place"], "--in-place"),
  usageRow("in place and in full", [...PUBLISH, "--in-place", "--full"], "--full"),
  usageRow("a preview with a domain", [...PUBLISH, "--preview", "p1", "--domain", "x.localhost"], "--domain"),
  usageRow("an expiry without a preview", [...PUBLISH, "--expires", "2d"], "--preview"),
  ...["soon", "0d", "-1d", "366d", "1e9d", "7 d", ""].map((time) =>
    usageRow(
      `a preview that ends after "${time}"`,
      [...PUBLISH, "--preview", "p1", `--expires=${time}`],
      time,
      "365d",
    ),
  ),
  ...["a--b", "PR-1", "-a", "a".repeat(22), "a.b", "ü", ""].map((name): Row => ({
    title: `a preview named ${JSON.stringify(name)}`,
    argv: [...PUBLISH, `--preview=${name}`],
    prepare: page,
    exit: 2,
    code: "site/invalid-name",
    names: [name],
  })),
  {
    title: "a preview's host as a domain",
    argv: ["domain", "add", "p1--victim.preview.localhost", "--site", "victim"],
    exit: 2,
    code: "domain/preview-host",
    names: ["p1--victim.preview.localhost"],
  },
  usageRow("a batch with a folder", ["publish", "DIR", "--batch", "sites.jsonl"], "folder"),
  usageRow("a batch with a site", ["publish", "--batch", "sites.jsonl", "--site", "victim"], "--site"),
  usageRow("a batch in place", ["publish", "--batch", "sites.jsonl", "--in-place"], "--in-place"),
  usageRow("a batch that is to be verified", ["publish", "--batch", "sites.jsonl", "--verify"], "--verify"),
  usageRow("a time to verify without --verify", [...PUBLISH, "--verify-timeout", "5"], "--verify"),
  ...["soon", "-1", "1.5", "99999"].map((text) =>
    usageRow(
      `"${text}" seconds to verify`,
      [...PUBLISH, "--verify", `--verify-timeout=${text}`],
      text,
      "3600",
    ),
  ),
  ...["all", "-1", "10001"].map((text) =>
    usageRow(`"${text}" pages to warm`, [...PUBLISH, `--warm=${text}`], text, "10000"),
  ),
  usageRow("a publish of nothing", ["publish"], "dir"),
  {
    title: "a batch that is not there",
    argv: ["publish", "--batch", "none.jsonl"],
    exit: 2,
    code: "publish/invalid-batch",
    names: ["none.jsonl", "ENOENT"],
  },
  {
    title: "a batch whose every line is wrong in a way of its own",
    argv: ["publish", "--batch", "sites.jsonl"],
    prepare: async () => {
      await page();
      const lines = [
        '{"site": "fine", "dir": "DIR"}',
        "not json",
        '{"site": "Wrong", "dir": "DIR"}',
        '{"site": "a"}',
        '{"site": "b", "dir": "DIR", "domains": ["*.example.com"]}',
        '{"site": "c", "dir": "DIR", "siteEnv": "prod"}',
        '{"site": "d", "dir": "DIR", "preview": "x", "expires": "later"}',
        '{"site": "e", "dir": "DIR", "preview": "a--b"}',
        '{"site": "f", "dir": "DIR", "colour": "red"}',
        '{"site": "fine", "dir": "DIR"}',
        '{"site": "g", "dir": "DIR", "preview": "x", "domains": ["g.localhost"]}',
        '{"site": "../h", "dir": "DIR"}',
      ];
      await write("sites.jsonl", lines.join("\n"));
    },
    exit: 2,
    code: "publish/invalid-batch",
    names: ["nothing was published", ...Array.from({ length: 11 }, (_, index) => `line ${index + 2}:`)],
  },
  {
    title: "a file over the limit of an extension that is not segmented",
    argv: PUBLISH,
    prepare: folder({ "index.html": "new", "big.tar": "" }, (dir) =>
      truncate(join(dir, "big.tar"), 40_000_000),
    ),
    exit: 2,
    code: "publish/invalid-folder",
    names: ["big.tar", "20000000", "segmented.extensions"],
  },
  {
    title: "a header line that is one too many for a page's metadata",
    argv: PUBLISH,
    prepare: withFile(
      "_headers",
      `/*\n${Array.from({ length: 10 }, (_, i) => `  X-H${i}: ${"v".repeat(200)}`).join("\n")}\n`,
    ),
    exit: 2,
    code: "publish/invalid-rules",
    names: [/_headers:\d+/, "X-H"],
  },
];

const siteFiles: readonly Row[] = [
  refused(
    "a header without a value",
    "publish/invalid-rules",
    withFile("_headers", "/*\n  X-A\n"),
    "_headers:2",
  ),
  refused(
    "a header before any path",
    "publish/invalid-rules",
    withFile("_headers", "  X-A: 1\n/*\n  X-B: 2\n"),
    "_headers:1",
  ),
  refused(
    "a header of the edge's own",
    "publish/invalid-rules",
    withFile("_headers", "/*\n  Content-Length: 1\n"),
    "_headers:2",
    "Content-Length",
  ),
  refused(
    "a header with a control character",
    "publish/invalid-rules",
    withFile("_headers", "/*\n  X-A: a\u0001b\n"),
    "_headers:2",
  ),
  refused(
    "two files of rules, both wrong",
    "publish/invalid-rules",
    folder({ "index.html": "new", _redirects: "/a", _headers: "/*\n  X-A\n" }),
    "_redirects:1",
    "_headers:2",
  ),
  refused(
    "TOML that is none",
    "publish/invalid-rules",
    withFile("netlify.toml", "[[redirects]\n"),
    "netlify.toml:1",
  ),
  refused(
    "a redirect of netlify.toml without a destination",
    "redirects/invalid",
    withFile("netlify.toml", '\n[[redirects]]\n  from = "/a"\n'),
    /netlify\.toml:[23]/,
    "to",
  ),
  refused(
    "a redirect of netlify.toml that asks for the visitor's country",
    "redirects/invalid",
    withFile(
      "netlify.toml",
      '[[redirects]]\n  from = "/a"\n  to = "/b"\n  conditions = {Country = ["fr"]}\n',
    ),
    /netlify\.toml:\d/,
    "Country",
  ),
  refused(
    "JSON that is none",
    "publish/invalid-rules",
    withFile("vercel.json", '{\n "redirects": [\n'),
    /vercel\.json:\d/,
  ),
  refused(
    "a redirect of vercel.json with a regular expression",
    "redirects/invalid",
    withFile("vercel.json", '{\n "redirects": [\n  { "source": "/a(\\\\d+)", "destination": "/b" }\n ]\n}'),
    "vercel.json:3",
  ),
  refused(
    "a rule whose page is missing",
    "redirects/invalid",
    withFile("_redirects", "/a /missing 200"),
    "_redirects:1",
    "missing",
  ),
  {
    title: "CSV with wrong lines",
    argv: ["redirect", "import", "moved.csv", "--site", "victim"],
    prepare: () => write("moved.csv", "source,target,status\n/a,/b,301\n/c,/d,299\n/e\n//f,/g,301\n"),
    exit: 2,
    code: "redirects/invalid",
    names: ["moved.csv:3", "299", "moved.csv:4", "moved.csv:5"],
  },
  {
    title: "CSV with a quote that does not end",
    argv: ["redirect", "import", "torn.csv", "--site", "victim"],
    prepare: () => write("torn.csv", 'source,target\n"/a,/b\n'),
    exit: 2,
    code: "redirects/invalid",
    names: [/torn\.csv:\d/],
  },
  usageRow(
    "a file of rules that is not there",
    ["redirect", "import", "none.csv", "--site", "victim"],
    "none.csv",
  ),
];

beforeAll(startContract);

afterAll(endContract);

describe.each([
  ["publishing", publishing],
  ["rules and headers", siteFiles],
])("bad input: %s", (_, rows) => {
  test.for(rows)("$title", holds);
});

test("a preview where the settings have no domain for them", async () => {
  const { region, url, accessKeyId, secretAccessKey } = mirrorFile().s3;
  const s3 = { region, endpoint: url, configBucket: "sitefleet-config", hostingBucket: "sitefleet-hosting" };
  const test = { fastly: { serviceId: "SVC", domains: ["*.example.com"] }, s3 };
  await settings(JSON.stringify({ environments: { test } }))();
  await holds({
    title: "",
    argv: [...PUBLISH, "--preview", "p1", "--env", "test"],
    prepare: page,
    variables: {
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      SITEFLEET_CONFIG_SEGMENT: "0123456789abcdef0123456789abcdef",
    },
    secret: secretAccessKey,
    exit: 2,
    code: "preview/not-enabled",
    names: ["test", "previews"],
  });
});

test("a line of a batch that cannot be published fails alone, with exit code 1", async () => {
  await folder({ "index.html": "new" })();
  const lines = [
    '{"site": "gone", "dir": "missing"}',
    '{"site": "there", "dir": "DIR", "domains": ["there.localhost"]}',
    '{"site": "rival", "dir": "DIR", "domains": ["victim.localhost"]}',
  ];
  await write("sites.jsonl", lines.join("\n"));
  const plain = await run(["publish", "--batch", "sites.jsonl"]);
  expect(plain.code).toBe(1);
  expect(plain.err).toMatch(
    /^warning: line 1: gone \(production\): ".*missing" does not exist \[publish\/invalid-folder\]$/m,
  );
  expect(plain.out).toContain("3 sites: 1 published, 0 unchanged, 2 failed");
  const json = await run(["publish", "--batch", "sites.jsonl", "--json"]);
  expect({ code: json.code, ...(JSON.parse(json.out) as object) }).toMatchObject({
    code: 1,
    done: 1,
    failed: 2,
    sites: [
      { line: 1, kind: "failed", problem: expect.stringContaining("missing") as string },
      { line: 2, kind: "unchanged", release: "1" },
      { line: 3, kind: "failed", problem: expect.stringContaining("victim.localhost") as string },
    ],
  });
});

test("a publish whose edge cannot be asked is committed, owes its purge and says what was not right", async () => {
  await page();
  const closed = (await lying((file) => ({ ...file, edge: { ...file.edge, http: CLOSED } }))()) ?? [];
  const flags = ["--verify", "--verify-timeout", "1", "--json"];
  const { code, out } = await run([...PUBLISH, ...flags, ...closed], { clock: systemClock });
  expect(code).toBe(5);
  expect(JSON.parse(out)).toMatchObject({
    error: {
      code: "publish/not-verified",
      details: ["edge", "shield"].map(
        (asked) => expect.stringContaining(`victim.localhost/ at the ${asked}`) as string,
      ),
    },
  });
  const owed = await run(["purge", "--owed", "--json"]);
  expect(JSON.parse(owed.out)).toMatchObject([{ site: "victim" }]);
  await succeeds([...PUBLISH, "--verify"], systemClock);
  expect(JSON.parse((await run(["purge", "--owed", "--json"])).out)).toEqual([]);
});
