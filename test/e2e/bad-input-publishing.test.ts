import { truncate } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import {
  CLOSED,
  endContract,
  folder,
  holds,
  lying,
  mirrorFile,
  run,
  settings,
  startContract,
  succeeds,
  write,
} from "./bad-input-contract.ts";
import type { Prepare, Row } from "./bad-input-contract.ts";

const PUBLISH = ["publish", "DIR", "--site", "victim"];
const PASSWORD = "open sesame 1001";
const HOOK_SECRET = "5".repeat(40);

const page = folder({ "index.html": "new" });
const withFile = (name: string, text: string): Prepare => folder({ "index.html": "new", [name]: text });

/** A row of exit code 2 for a command line alone. */
function usage(title: string, argv: readonly string[], ...names: Row["names"]): Row {
  return { title, argv, prepare: page, exit: 2, code: "cli/usage", names };
}

/** A row of exit code 2 for what is published. */
function refused(title: string, code: string, prepare: Prepare, ...names: Row["names"]): Row {
  return { title, argv: PUBLISH, prepare, exit: 2, code, names };
}

const publishing: readonly Row[] = [
  usage("a preview that is to be in place", [...PUBLISH, "--preview", "p1", "--in-place"], "--in-place"),
  usage("in place and in full", [...PUBLISH, "--in-place", "--full"], "--full"),
  usage("a preview with a domain", [...PUBLISH, "--preview", "p1", "--domain", "x.localhost"], "--domain"),
  usage("an expiry without a preview", [...PUBLISH, "--expires", "2d"], "--preview"),
  ...["soon", "0d", "-1d", "366d", "1e9d", "7 d", ""].map((time) =>
    usage(
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
  usage("a batch with a folder", ["publish", "DIR", "--batch", "sites.jsonl"], "folder"),
  usage("a batch with a site", ["publish", "--batch", "sites.jsonl", "--site", "victim"], "--site"),
  usage("a batch in place", ["publish", "--batch", "sites.jsonl", "--in-place"], "--in-place"),
  usage("a batch that is to be verified", ["publish", "--batch", "sites.jsonl", "--verify"], "--verify"),
  usage("a time to verify without --verify", [...PUBLISH, "--verify-timeout", "5"], "--verify"),
  ...["soon", "-1", "1.5", "99999"].map((text) =>
    usage(`"${text}" seconds to verify`, [...PUBLISH, "--verify", `--verify-timeout=${text}`], text, "3600"),
  ),
  ...["all", "-1", "10001"].map((text) =>
    usage(`"${text}" pages to warm`, [...PUBLISH, `--warm=${text}`], text, "10000"),
  ),
  usage("a publish of nothing", ["publish"], "dir"),
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
        '{"site": "a", "dir": "nowhere"}',
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
    names: Array.from({ length: 11 }, (_, index) => `line ${index + 2}:`),
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
  usage(
    "a file of rules that is not there",
    ["redirect", "import", "none.csv", "--site", "victim"],
    "none.csv",
  ),
];

const sites: readonly Row[] = [
  {
    title: "a promotion of a preview that is not there",
    argv: ["site", "promote", "victim", "pr-9"],
    exit: 2,
    code: "preview/not-found",
    names: ["pr-9", "--preview"],
  },
  usage("a promotion of nothing", ["site", "promote", "victim"], "--from"),
  usage("a promotion of two things", ["site", "promote", "victim", "p", "--from", "staging"], "--from"),
  {
    title: "a promotion from an environment that does not exist",
    argv: ["site", "promote", "victim", "--from", "stagin"],
    exit: 2,
    code: "site/invalid-setting",
    names: ["stagin", "staging"],
  },
  {
    title: "a promotion from an environment that the site is not in",
    argv: ["site", "promote", "victim", "--from", "staging"],
    exit: 2,
    code: "site/not-found",
    names: ["victim", "staging"],
  },
  {
    title: "a promotion from the environment itself",
    argv: ["site", "promote", "victim", "--from", "production"],
    exit: 2,
    code: "site/invalid-setting",
    names: ["production"],
  },
  {
    title: "a preview to take down that is not there",
    argv: ["site", "unpreview", "victim", "pr-9"],
    exit: 2,
    code: "preview/not-found",
    names: ["pr-9"],
  },
  ...["1", "00", "../1", "12345", "A"].map((release): Row => ({
    title: `a rollback to ${release === "1" ? "the release of another site" : `"${release}"`}`,
    argv: ["site", "rollback", release === "1" ? "fresh" : "victim", "--to", release],
    exit: 2,
    code: release === "1" ? "site/not-found" : "release/not-found",
    names: [release === "1" ? "fresh" : release],
  })),
  {
    title: "a rollback where nothing was shown before",
    argv: ["site", "rollback", "other"],
    exit: 2,
    code: "release/not-found",
    names: ["other"],
  },
  usage("a prune of nothing", ["site", "prune"], "--all"),
  usage("a prune of one site and all", ["site", "prune", "victim", "--all"], "--all"),
  ...["soon", "-3d", "30"].map((time) =>
    usage(`a prune of what is older than "${time}"`, ["site", "prune", "victim", `--older=${time}`], time),
  ),
  usage("a prune by years", ["site", "prune", "victim", "--older", "1y"], "--older", "s, m, h, d or w"),
  usage(
    "a prune of all sites of one environment",
    ["site", "prune", "--all", "--site-env", "staging"],
    "--site-env",
  ),
  usage(
    "a lifted suspension with a status",
    ["site", "suspend", "victim", "--lift", "--status=410"],
    "--lift",
  ),
  usage("sending what was not said to be owed", ["purge", "--send"], "--owed"),
  usage("sending what is owed, and more", ["purge", "--owed", "--all"], "--owed --send"),
  ...["-1", "few", "1.5", "1e3", "9999999"].map((count) =>
    usage(`a prune that keeps "${count}"`, ["site", "prune", "victim", `--keep=${count}`], count),
  ),
  usage(
    "a deletion that is undone and finished",
    ["site", "delete", "victim", "--undo", "--purge-files"],
    "--undo",
  ),
  {
    title: "a receipt of a publish that nobody verified",
    argv: ["site", "receipt", "victim"],
    exit: 2,
    code: "release/no-receipt",
    names: ["--verify"],
  },
  ...["99", "../1"].map((release): Row => ({
    title: `a receipt of release "${release}"`,
    argv: ["site", "receipt", "victim", release],
    exit: 2,
    code: release === "99" ? "release/no-receipt" : "release/not-found",
    names: [release],
  })),
  usage(
    "a domain with --eu-only that is neither on nor off",
    ["domain", "set", "victim.localhost", "--eu-only", "maybe"],
    "maybe",
    "off",
  ),
  usage("a site with no change", ["site", "set", "victim"], "--not-found"),
  usage(
    "a policy for slashes that does not exist",
    ["site", "set", "victim", "--trailing-slash", "sometimes"],
    "--trailing-slash",
  ),
  usage(
    "an order of rules that does not exist",
    ["site", "set", "victim", "--precedence", "random"],
    "--precedence",
  ),
  usage(
    "a policy for what is not found that does not exist",
    ["site", "set", "victim", "--not-found", "nothing"],
    "nothing",
    "page",
  ),
  usage("--send without --owed", ["purge", "--site", "victim", "--send"], "--owed"),
  usage("--owed with a target", ["purge", "--owed", "--site", "victim"], "--owed"),
  usage("--owed with everything", ["purge", "--owed", "--all"], "--owed"),
  usage("--owed that is to be soft", ["purge", "--owed", "--send", "--soft"], "--soft"),
];

const protect = (title: string, extra: Partial<Row>): Row => ({
  title,
  argv: ["site", "protect", "victim"],
  exit: 2,
  code: "site/invalid-setting",
  names: [],
  variables: { SITEFLEET_SITE_PASSWORD: PASSWORD },
  secret: PASSWORD,
  ...extra,
});

const passwords: readonly Row[] = [
  protect("no password", {
    variables: {},
    code: "cli/usage",
    names: ["SITEFLEET_SITE_PASSWORD", "--password-stdin"],
  }),
  protect("a short password", {
    variables: { SITEFLEET_SITE_PASSWORD: "qzx7wkj" },
    code: "site/invalid-password",
    names: ["8 characters"],
    secret: "qzx7wkj",
  }),
  protect("a short password on standard input", {
    argv: ["site", "protect", "victim", "--password-stdin"],
    variables: {},
    input: "qzx7wkj\n",
    code: "site/invalid-password",
    names: ["8 characters"],
    secret: "qzx7wkj",
  }),
  protect("a password with a control character", {
    variables: { SITEFLEET_SITE_PASSWORD: `${PASSWORD}\u0007` },
    code: "site/invalid-password",
    names: ["control"],
  }),
  protect("a password over the limit", {
    variables: { SITEFLEET_SITE_PASSWORD: PASSWORD.repeat(20) },
    code: "site/invalid-password",
    names: ["256"],
  }),
  ...["/a/../b/", "/%zz/", "/a%2Fb/", "/index.html"].map((path) =>
    protect(`a protected path "${path}"`, {
      argv: ["site", "protect", "victim", "--path", path],
      names: [path],
    }),
  ),
  protect("more protected areas than the edge has", {
    argv: ["site", "protect", "guarded", "--path", "/five/"],
    names: ["5", "4", "/one/"],
  }),
  protect("a lift of what asks for no password", {
    argv: ["site", "unprotect", "victim"],
    code: "site/not-protected",
    names: ["victim"],
  }),
  protect("a lift of another path", {
    argv: ["site", "unprotect", "guarded", "--path", "/six/"],
    code: "site/not-protected",
    names: ["/six/", "/one/"],
  }),
];

const hook = (title: string, extra: Partial<Row>): Row => ({
  title,
  argv: ["hook", "serve", "--port", "0"],
  exit: 2,
  code: "cli/usage",
  names: [],
  variables: { SITEFLEET_HOOK_SECRET: `main:${HOOK_SECRET}` },
  secret: HOOK_SECRET,
  ...extra,
});

const hooks: readonly Row[] = [
  hook("no secret", {
    variables: {},
    exit: 4,
    code: "settings/missing-secret",
    names: ["SITEFLEET_HOOK_SECRET_LOCAL", "SITEFLEET_HOOK_SECRET"],
  }),
  ...["main", `main:${"q".repeat(31)}`, `a:${HOOK_SECRET},a:${HOOK_SECRET}`, `a b:${HOOK_SECRET}`].map(
    (text) =>
      hook(`secrets as ${text.slice(0, 12)}…`, {
        variables: { SITEFLEET_HOOK_SECRET: text },
        exit: 4,
        code: "hook/invalid-secret",
        names: ["SITEFLEET_HOOK_SECRET"],
        secret: text.includes("5") ? HOOK_SECRET : "q".repeat(31),
      }),
  ),
  ...["70000", "-1", "http", ""].map((port) =>
    hook(`port "${port}"`, { argv: ["hook", "serve", `--port=${port}`], names: ["--port", port] }),
  ),
  ...["max-body", "queue", "parallel", "rate"].map((flag) =>
    hook(`--${flag} of nothing`, {
      argv: ["hook", "serve", "--port", "0", `--${flag}=0`],
      names: [`--${flag}`],
    }),
  ),
  hook("a port of another program", {
    argv: ["hook", "serve"],
    prepare: () => Promise.resolve(["--port", new URL(mirrorFile().s3.url).port]),
    exit: 1,
    code: "hook/port-in-use",
    names: ["in use"],
  }),
  hook("an address that is not this machine's", {
    argv: ["hook", "serve", "--port", "0", "--host", "192.0.2.1"],
    exit: 1,
    code: "hook/port-in-use",
    names: ["192.0.2.1"],
  }),
];

beforeAll(async () => {
  await startContract();
  await page();
  await succeeds(["publish", "DIR", "--site", "guarded", "--domain", "guarded.localhost"]);
  for (const path of ["/one/", "/two/", "/three/", "/four/"]) {
    const variables = { SITEFLEET_SITE_PASSWORD: PASSWORD };
    await succeeds(["site", "protect", "guarded", "--path", path], undefined, { variables });
  }
});

afterAll(endContract);

describe.each([
  ["publishing", publishing],
  ["rules and headers", siteFiles],
  ["sites", sites],
  ["passwords", passwords],
  ["webhooks", hooks],
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

test("a password or a secret for webhooks is in nothing that the commands say or store", async () => {
  const variables = { SITEFLEET_SITE_PASSWORD: PASSWORD };
  const said = [
    await run(["site", "protect", "guarded", "--path", "/one/"], { variables }),
    await run(["site", "protect", "guarded", "--path", "/one/", "--json"], { variables }),
    await run(["site", "show", "guarded", "--json"], { variables }),
    await run(["domain", "check", "guarded.localhost", "--json"], { variables }),
    await run(["domain", "list", "--json"], { variables }),
  ];
  expect(said.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  for (const { out, err } of said) {
    expect(out + err).not.toContain(PASSWORD);
    expect(out + err).not.toMatch(/verifier|salt/);
  }
});
