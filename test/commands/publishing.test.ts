import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { request } from "undici";
import { describe, expect, it, onTestFinished } from "vitest";

import type { CommandDefinition } from "../../src/commands/command.ts";
import { createContext } from "../../src/commands/create-context.ts";
import { commands as deployCommands } from "../../src/commands/deploy.ts";
import { commands as domainCommands } from "../../src/commands/domain.ts";
import { toFlags } from "../../src/commands/program.ts";
import { commands as publishCommands } from "../../src/commands/publish.ts";
import { commands as purgeCommands } from "../../src/commands/purge.ts";
import { commands as redirectCommands } from "../../src/commands/redirect.ts";
import { commands as siteCommands } from "../../src/commands/site.ts";
import { FastlyClient } from "../../src/fastly/client.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import { inputOf } from "../support/command-line.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { tempDir } from "../support/temp-dir.ts";

const TABLES: Readonly<Record<string, readonly CommandDefinition[]>> = {
  deploy: deployCommands,
  domain: domainCommands,
  publish: publishCommands,
  purge: purgeCommands,
  redirect: redirectCommands,
  site: siteCommands,
};

type Values = Readonly<Record<string, string | boolean | readonly string[]>>;

interface Said {
  document: unknown;
  text: string;
  readonly lines: string[];
  code: number;
}

/** A mirror, a folder to work in, commands and a visitor. The service is deployed, or only made so that it can be purged. */
async function startLocal(service: "deployed" | "empty") {
  const dir = await tempDir();
  const stateDir = join(dir, ".sitefleet");
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0 };
  const mirror = await startMirror({ stateDir, ports, clock: systemClock, pid: process.pid });
  onTestFinished(() => mirror.close());
  const run = async (name: string, args: readonly string[] = [], values: Values = {}, clock?: Clock) => {
    const [noun = "", verb] = name.split(" ");
    const command = TABLES[noun]?.find((row) => row.verb === verb);
    if (!command) throw new Error(`no command ${name}`);
    const said: Said = { document: undefined, text: "", lines: [], code: 0 };
    const context = createContext({
      cwd: dir,
      variables: {},
      clock: clock ?? new InstantClock(systemClock.now()),
      pid: process.pid,
      signal: new AbortController().signal,
      input: inputOf(typeof values["input"] === "string" ? values["input"] : ""),
      report: {
        result(document, text) {
          said.document = document;
          said.text = text;
        },
        rows() {
          const documents: unknown[] = [];
          const lines: string[] = [];
          return {
            row(document, text) {
              documents.push(document);
              lines.push(text);
            },
            end(none) {
              said.document = documents;
              said.text = lines.length === 0 ? none : lines.join("\n");
            },
          };
        },
        status: () => undefined,
        step: () => undefined,
        progress: (line) => said.lines.push(line),
        warn: (line) => said.lines.push(`warning: ${line}`),
      },
      flags: { dryRun: values["dryRun"] === true, yes: values["yes"] === true },
    });
    const defaults = Object.fromEntries(
      (command.options ?? []).flatMap((row) =>
        row.default === undefined
          ? []
          : [[row.flags.replace(/^--([a-z-]+).*$/, "$1").replace("site-env", "siteEnv"), row.default]],
      ),
    );
    said.code = (await command.run(context, { args, flags: toFlags({ ...defaults, ...values }) })) ?? 0;
    return said;
  };
  if (service === "deployed") await run("deploy apply", [], {}, systemClock);
  else await makeService(mirror.file.api);
  const { edge } = mirror.file;
  const visit = async (host: string, path = "/") => {
    const answer = await request(new URL(path, edge.http), { headers: { host } });
    return {
      status: answer.statusCode,
      location: answer.headers["location"],
      body: await answer.body.text(),
    };
  };
  const write = async (files: Readonly<Record<string, string>>) => {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(dirname(join(dir, "site", path)), { recursive: true });
      await writeFile(join(dir, "site", path), content);
    }
  };
  return { run, visit, write };
}

async function makeService(api: { readonly url: string; readonly token: string }): Promise<void> {
  const client = new FastlyClient({ apiUrl: api.url, token: new Secret(api.token), clock: systemClock });
  await client.createService("sitefleet-local");
  await client.close();
}

describe("publishing against a running mirror", () => {
  it("shows every change at once: pages, domains, redirects, policies, roll back, deletion", async () => {
    const { run, visit, write } = await startLocal("deployed");
    const host = "acme.localhost";
    expect((await visit(host)).status).toBe(404);

    await write({
      "index.html": "one",
      "about.html": "about",
      "404.html": "lost",
      _redirects: "/old /about 302",
    });
    const first = await run("publish", ["site"], { site: "acme", domain: [host] });
    expect(first.document).toMatchObject({ kind: "published", release: "1", domains: [host] });
    expect(first.text).toContain(`http://${host}:`);
    expect(await visit(host)).toMatchObject({ status: 200, body: "one" });
    expect(await visit(host, "/old")).toMatchObject({ status: 302, location: "/about" });
    expect(await visit(host, "/none")).toMatchObject({ status: 404, body: "lost" });
    expect(await visit(host, "/about.html")).toMatchObject({ status: 308, location: "/about" });

    await write({ "index.html": "two" });
    await run("publish", ["site"], { site: "acme" });
    expect(await visit(host)).toMatchObject({ status: 200, body: "two" });
    expect((await run("publish", ["site"], { site: "acme" })).document).toMatchObject({ kind: "unchanged" });

    await run("redirect add", ["/blog/*", "/about"], { site: "acme" });
    expect(await visit(host, "/blog/x")).toMatchObject({ status: 301, location: "/about" });
    await run("redirect add", ["/exact", "/about"], { site: "acme", status: "308" });
    expect(await visit(host, "/exact")).toMatchObject({ status: 308, location: "/about" });
    expect((await run("redirect list", [], { site: "acme" })).text).toContain("_redirects  /old /about 302");
    await run("redirect remove", ["/exact"], { site: "acme" });
    expect((await visit(host, "/exact")).status).toBe(404);

    await run("domain add", ["www.acme.localhost"], { site: "acme", canonical: host });
    expect((await visit("www.acme.localhost", "/about")).location).toContain(`//${host}`);
    await run("domain set", [host], { forceTls: true });
    expect((await visit(host)).location).toContain(`https://${host}`);
    const set = await run("domain set", [host], { forceTls: "off", euOnly: "off" });
    expect(set.text.split("\n")[0]).toBe(`set ${host}  acme  production`);
    expect((await run("domain list", [], { site: "acme" })).text).toContain(
      `www.acme.localhost  acme  production  -> ${host}`,
    );

    await run("site suspend", ["acme"], { status: "410" });
    expect((await visit(host)).status).toBe(410);
    await run("site suspend", ["acme"], { lift: true });

    await run("site rollback", ["acme"], { to: "1" });
    expect(await visit(host)).toMatchObject({ status: 200, body: "one" });

    await run("domain remove", ["www.acme.localhost"]);
    expect((await visit("www.acme.localhost")).status).toBe(404);
    await run("site delete", ["acme"]);
    expect((await visit(host)).status).toBe(404);
    await run("site delete", ["acme"], { undo: true });
    expect(await visit(host)).toMatchObject({ status: 200, body: "one" });
    await expect(run("site delete", ["acme"], { purgeFiles: true })).rejects.toMatchObject({
      code: "cli/usage",
    });
    await run("site delete", ["acme"], { purgeFiles: true, yes: true });
    expect((await visit(host)).status).toBe(404);
    expect((await run("site list")).text).not.toContain("acme");
  });

  it("previews, promotes, rolls back, prunes and publishes in batches, as visitors see it", async () => {
    const { run, write, visit } = await startLocal("deployed");
    const host = "acme.localhost";
    const preview = "pr-1--acme.preview.localhost";
    await write({ "index.html": "one" });
    await run("publish", ["site"], { site: "acme", domain: [host] });
    await write({ "index.html": "two" });
    const shown = await run("publish", ["site"], { site: "acme", preview: "pr-1", expires: "7d" });
    expect(shown.text).toContain(`http://${preview}:`);
    expect(await visit(preview)).toMatchObject({ status: 200, body: "two" });
    expect(await visit(host)).toMatchObject({ status: 200, body: "one" });
    expect((await run("site previews", ["acme"])).document).toMatchObject([{ name: "pr-1", state: "live" }]);

    await run("site promote", ["acme", "pr-1"]);
    expect(await visit(host)).toMatchObject({ status: 200, body: "two" });
    // Live after the first purge; the second is left to the next run.
    const back = await run("site rollback", ["acme"], { wait: false });
    expect(back.lines).toContainEqual(expect.stringContaining("second purge will be owed"));
    expect(await visit(host)).toMatchObject({ status: 200, body: "one" });
    expect((await run("site releases", ["acme"])).document).toMatchObject([
      { id: "2", base: "2", state: "previous", previews: [{ name: "pr-1" }] },
      { id: "1", state: "current" },
    ]);
    await run("site unpreview", ["acme", "pr-1"]);
    expect((await visit(preview)).status).toBe(404);
    expect((await run("site prune", ["acme"], { keep: "0", older: "0" })).document).toMatchObject({
      releases: [],
      objects: 0,
    });

    await write({ "b/index.html": "bee", "c/index.html": "sea", "../sites.jsonl": "" });
    const line = (site: string) => ({ site, dir: `site/${site}`, domains: [`${site}.localhost`] });
    await write({ "../sites.jsonl": `${JSON.stringify(line("b"))}\n${JSON.stringify(line("c"))}` });
    expect((await run("publish", [], { batch: "sites.jsonl" })).document).toMatchObject({
      done: 2,
      failed: 0,
      owed: [],
    });
    expect(await visit("c.localhost")).toMatchObject({ status: 200, body: "sea" });
    expect((await run("site migrate")).document).toMatchObject({ migrated: 0, failed: 0 });
    expect((await run("site list")).document).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ site: "b", domains: ["b.localhost"] })]) as unknown[],
    );
  });

  it("finds a page by its URL, purges it, and has nothing owed then", async () => {
    const { run, write } = await startLocal("empty");
    await write({ "about.html": "about" });
    await run("publish", ["site"], { site: "acme", domain: ["acme.localhost"] });
    const purged = await run("purge", [], { url: ["http://acme.localhost:8080/about/?x=y"] });
    expect(purged.document).toMatchObject({ keys: [expect.stringMatching(/^p:[0-9a-f]{16}$/)], soft: false });
    expect((await run("purge", [], { all: true, soft: true })).document).toEqual({
      keys: ["all"],
      soft: true,
    });
    expect((await run("purge", [], { owed: true })).document).toEqual([]);
    expect((await run("purge", [], { owed: true, send: true })).document).toEqual({ purges: 0 });
    await expect(run("purge")).rejects.toMatchObject({ code: "cli/usage" });
    expect((await run("purge", [], { domain: ["acme.localhost"] })).text).toBe("purged d:acme.localhost");
    expect((await run("purge", [], { site: ["acme"] })).text).toBe("purged s:acme d:acme.localhost");
    expect((await run("purge", [], { key: ["s:nosuch", "d:gone.localhost"] })).code).toBe(0);
  });

  it("writes nothing in a dry run of any command", async () => {
    const { run, write } = await startLocal("empty");
    await write({ "index.html": "one" });
    await run("publish", ["site"], { site: "acme", domain: ["acme.localhost"] });
    await write({ "index.html": "two" });
    const dryRun = true;
    const plan = await run("publish", ["site"], { site: "acme", dryRun });
    expect(plan.document).toMatchObject({ kind: "planned", changes: { changed: ["/"] } });
    expect(plan.text).toMatch(/^would publish acme \(production\): 1 file, 0 redirects, 3 bytes\n {2}~ \/$/m);
    expect(plan.lines.join("\n")).not.toMatch(/committed|live/);
    await run("domain add", ["www.localhost"], { site: "acme", dryRun });
    await run("redirect add", ["/a", "/b"], { site: "acme", dryRun });
    await run("site suspend", ["acme"], { dryRun });
    const deletion = await run("site delete", ["acme"], { dryRun });
    expect(deletion.lines).toContainEqual(
      expect.stringMatching(/^dry run: (1 write was|\d+ writes were) not made$/),
    );
    expect((await run("site show", ["acme"])).document).toMatchObject({
      current: "1",
      revision: 3,
      deleting: false,
    });
    expect((await run("domain list")).document).toMatchObject([{ domain: "acme.localhost" }]);
    expect((await run("redirect list", [], { site: "acme" })).document).toEqual([]);
  });

  it("says what is wrong with a name, and what to type instead", async () => {
    const { run } = await startLocal("empty");
    const check = await run("domain check", ["WWW.Example.com"]);
    expect(check).toMatchObject({ code: 2, document: { kind: "invalid", suggestion: "www.example.com" } });
    expect((await run("domain check", ["free.localhost"])).document).toMatchObject({ kind: "free" });
    await expect(run("site show", ["acme"])).rejects.toMatchObject({ code: "site/not-found" });
    await expect(run("site show", ["Acme!"])).rejects.toMatchObject({ code: "site/invalid-name" });
    await expect(run("site show", ["acme"], { siteEnv: "moon" })).rejects.toMatchObject({
      code: "site/invalid-setting",
    });
    await expect(run("domain set", ["none.localhost"], { forceTls: true })).rejects.toMatchObject({
      code: "domain/not-found",
    });
    await expect(run("domain add", ["a.localhost"], { site: "acme", hsts: "soon" })).rejects.toMatchObject({
      code: "site/invalid-setting",
    });
  });
});

describe("what commands say of a site", () => {
  it("is short however many rules it has, and counts patterns beside redirects", async () => {
    const { run, write } = await startLocal("empty");
    await write({ "index.html": "one", _redirects: "/a/* /b/:splat\n/c /d\n" });
    const rules = Array.from({ length: 30 }, (_, index) => `/old-${index} /new 302`);
    await write({ "../rules.txt": rules.join("\n") });
    const published = await run("publish", ["site"], { site: "acme", domain: ["acme.localhost"] });
    expect(published.text).toContain("1 file, 1 redirect, 1 pattern, 3 bytes");
    await run("redirect import", ["rules.txt"], { site: "acme" });
    const { text } = await run("site show", ["acme"]);
    expect(text).toContain("redirect /old-19 /new 302\nand 10 redirects more: sitefleet redirect list");
    expect(text).toContain("31 redirects, 1 pattern");
    expect((await run("site releases", ["acme"])).document).toMatchObject([
      { redirects: 31, patterns: 1 },
      { redirects: 1, patterns: 1 },
    ]);
  });

  it("leads back to the same website environment, and claims no deletion that was not", async () => {
    const { run, write } = await startLocal("empty");
    await write({ "index.html": "one" });
    await run("publish", ["site"], { site: "acme", domain: ["acme.staging.localhost"] });
    const staging = { siteEnv: "staging" };
    const undone = await run("site delete", ["acme"], { ...staging, undo: true });
    expect(undone.document).toMatchObject({ state: "not-deleted", domains: ["acme.staging.localhost"] });
    const deleted = await run("site delete", ["acme"], staging);
    expect(deleted.text).toContain("sitefleet site delete acme --site-env staging --undo");
    expect((await run("site delete", ["acme"], staging)).document).toEqual(deleted.document);
    expect((await run("site delete", ["acme"], { ...staging, undo: true })).document).toMatchObject({
      state: "back",
    });
  });
});

describe("protecting and restricting on the command line", () => {
  it("reads passwords from the environment's variable or standard input, never from arguments, and prints no verifier", async () => {
    const { run, write } = await startLocal("empty");
    await write({ "index.html": "one" });
    await run("publish", ["site"], { site: "acme", domain: ["acme.localhost"] });
    await expect(run("site protect", ["acme"])).rejects.toMatchObject({
      code: "cli/usage",
      hint: expect.stringContaining("SITEFLEET_SITE_PASSWORD"),
    });
    const given = { passwordStdin: true, path: "/drafts", input: "a good password" };
    const locked = await run("site protect", ["acme"], given);
    expect(locked.document).toMatchObject({ path: "/drafts/" });
    expect(locked.lines).toContainEqual(expect.stringContaining("acme.localhost does not force TLS"));
    await run("domain set", ["acme.localhost"], { forceTls: "on" });
    expect((await run("site protect", ["acme"], given)).lines.join()).not.toContain("does not force TLS");
    const shown = await run("site show", ["acme"]);
    expect(shown.text).toContain("password at /drafts/");
    const checked = await run("domain check", ["acme.localhost"]);
    for (const document of [shown.document, checked.document]) {
      expect(JSON.stringify(document)).toContain("/drafts/");
      expect(JSON.stringify(document)).not.toMatch(/verifier|salt/);
    }
    expect((await run("site unprotect", ["acme"])).document).toMatchObject({ protected: [] });
  });

  it("makes a domain EU-only and says so", async () => {
    const { run, write } = await startLocal("empty");
    await write({ "index.html": "one" });
    await run("publish", ["site"], { site: "acme", domain: ["acme.localhost"] });
    expect((await run("domain set", ["acme.localhost"], { euOnly: "on" })).document).toMatchObject({
      euOnly: true,
    });
    expect((await run("domain list")).text).toContain("eu-only");
    expect((await run("domain set", ["acme.localhost"], { euOnly: "off" })).document).toMatchObject({
      euOnly: false,
    });
  });
});
