import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  endContract,
  holds,
  mirrorFile,
  page,
  run,
  startContract,
  succeeds,
  usageRow,
} from "./bad-input-contract.ts";
import type { Row } from "./bad-input-contract.ts";

const PASSWORD = "open sesame 1001";
const HOOK_SECRET = "5".repeat(40);

const sites: readonly Row[] = [
  {
    title: "a promotion of a preview that is not there",
    argv: ["site", "promote", "victim", "pr-9"],
    exit: 2,
    code: "preview/not-found",
    names: ["pr-9", "--preview"],
  },
  usageRow("a promotion of nothing", ["site", "promote", "victim"], "--from"),
  usageRow("a promotion of two things", ["site", "promote", "victim", "p", "--from", "staging"], "--from"),
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
  usageRow("a prune of nothing", ["site", "prune"], "--all"),
  usageRow("a prune of one site and all", ["site", "prune", "victim", "--all"], "--all"),
  ...["soon", "-3d", "30"].map((time) =>
    usageRow(`a prune of what is older than "${time}"`, ["site", "prune", "victim", `--older=${time}`], time),
  ),
  usageRow("a prune by years", ["site", "prune", "victim", "--older", "1y"], "--older", "s, m, h, d or w"),
  usageRow(
    "a prune of all sites of one environment",
    ["site", "prune", "--all", "--site-env", "staging"],
    "--site-env",
  ),
  usageRow(
    "a lifted suspension with a status",
    ["site", "suspend", "victim", "--lift", "--status=410"],
    "--lift",
  ),
  usageRow("sending what was not said to be owed", ["purge", "--send"], "--owed"),
  usageRow("sending what is owed, and more", ["purge", "--owed", "--all"], "--owed --send"),
  ...["-1", "few", "1.5", "1e3", "9999999"].map((count) =>
    usageRow(`a prune that keeps "${count}"`, ["site", "prune", "victim", `--keep=${count}`], count),
  ),
  usageRow(
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
  ...["99", "zz", "../1"].map((release): Row => ({
    title: `a receipt of release "${release}", which there is none of`,
    argv: ["site", "receipt", "victim", release],
    exit: 2,
    code: "release/not-found",
    names: [release, "its releases: 1"],
  })),
  usageRow(
    "a domain with --eu-only that is neither on nor off",
    ["domain", "set", "victim.localhost", "--eu-only", "maybe"],
    "maybe",
    "off",
  ),
  usageRow("a site with no change", ["site", "set", "victim"], "--not-found"),
  usageRow(
    "a policy for slashes that does not exist",
    ["site", "set", "victim", "--trailing-slash", "sometimes"],
    "--trailing-slash",
  ),
  usageRow(
    "an order of rules that does not exist",
    ["site", "set", "victim", "--precedence", "random"],
    "--precedence",
  ),
  usageRow(
    "a policy for what is not found that does not exist",
    ["site", "set", "victim", "--not-found", "nothing"],
    "nothing",
    "page",
  ),
  {
    title: "a purge of a site that there is none of",
    argv: ["purge", "--site", "victim", "--site", "nosuch"],
    exit: 2,
    code: "site/not-found",
    names: ['"nosuch"', "nothing was purged", "purge --key s:nosuch"],
  },
  {
    title: "a purge of a domain that is nobody's",
    argv: ["purge", "--domain", "nobody.localhost"],
    exit: 2,
    code: "domain/not-found",
    names: ['"nobody.localhost"', "purge --key d:nobody.localhost"],
  },
  usageRow("--send without --owed", ["purge", "--site", "victim", "--send"], "--owed"),
  usageRow("--owed with a target", ["purge", "--owed", "--site", "victim"], "--owed"),
  usageRow("--owed with everything", ["purge", "--owed", "--all"], "--owed"),
  usageRow("--owed that is to be soft", ["purge", "--owed", "--send", "--soft"], "--soft"),
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
  ["sites", sites],
  ["passwords", passwords],
  ["webhooks", hooks],
])("bad input: %s", (_, rows) => {
  test.for(rows)("$title", holds);
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
