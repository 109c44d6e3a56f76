import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import { FastlyClient } from "../../src/fastly/client.ts";
import { SNIPPET } from "../../src/fastly/objects.ts";
import { runHere } from "../support/command-line.ts";
import type { CommandEnd } from "../support/command-line.ts";
import { InstantClock } from "../support/instant-clock.ts";

const PORTS = { edge: 0, edgeTls: 0, api: 0, s3: 0 };

interface Fixture {
  readonly dir: string;
  readonly mirror: Mirror;
  readonly run: (...argv: readonly string[]) => Promise<CommandEnd>;
}

async function startEmpty(): Promise<Fixture> {
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-replay-"));
  const stateDir = join(dir, ".sitefleet");
  const mirror = await startMirror({ stateDir, ports: PORTS, clock: systemClock, pid: process.pid });
  // Nobody waits for purges to be sent twice, nor for edges far away.
  const clock = new InstantClock(systemClock.now());
  return { dir, mirror, run: (...argv) => runHere(argv, { cwd: dir, clock }) };
}

async function end({ dir, mirror }: Fixture): Promise<void> {
  await mirror.close();
  await rm(dir, { recursive: true, force: true });
}

/** A mirror with our service and one site on it. */
async function startWithSite(): Promise<Fixture> {
  const fixture = await startEmpty();
  const { dir, run } = fixture;
  await mkdir(join(dir, "site", "blog"), { recursive: true });
  await writeFile(join(dir, "site", "index.html"), "<h1>Home</h1>");
  await writeFile(join(dir, "site", "blog", "one.html"), "<h1>One</h1>");
  await writeFile(join(dir, "site", "_redirects"), "/old /blog/one 301\n/go/:name /blog/:name 302\n");
  expect(await run("deploy", "apply")).toMatchObject({ code: 0 });
  const published = await run("publish", "site", "--site", "acme", "--domain", "www.acme.localhost");
  expect(published).toMatchObject({ code: 0 });
  return fixture;
}

/** Puts a snippet into a new version by hand and makes it live. */
async function plantSnippet(mirror: Mirror): Promise<void> {
  const client = new FastlyClient({
    apiUrl: mirror.file.api.url,
    token: new Secret(mirror.file.api.token),
    clock: systemClock,
    signal: new AbortController().signal,
    userAgent: "sitefleet/test",
    onWait: () => undefined,
  });
  const service = await client.findService("sitefleet-local");
  const serviceId = service?.id ?? "";
  const draft = await client.cloneVersion({ serviceId, version: 1 });
  const ref = { serviceId, version: draft.number };
  await client.create(SNIPPET, ref, {
    name: "by hand",
    type: "deliver",
    dynamic: false,
    priority: 100,
    content: 'set resp.http.X-By-Hand = "1";',
  });
  await client.activateVersion(ref);
  await client.close();
}

describe("deploy plan --sample and --replay", () => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await startWithSite();
  }, 120_000);
  afterAll(() => end(fixture));

  it("asks both versions over the real sites and finds nothing where nothing changes", async () => {
    const { run, mirror, dir } = fixture;
    const planned = await run("deploy", "plan", "--sample", "all", "--json", "--replay-out", "changes.jsonl");
    expect(planned.code).toBe(0);
    const { replay } = JSON.parse(planned.out) as { replay: { sites: { replayed: number } } };
    // The sites by which a deploy is verified are there too.
    expect(replay.sites.replayed).toBeGreaterThan(1);
    expect(replay).toMatchObject({
      kind: "replayed",
      out: "changes.jsonl",
      sites: { unaffected: replay.sites.replayed, changed: 0 },
      requests: { changed: 0, loggedOtherwise: 0 },
      changes: [],
    });
    expect(await readFile(join(dir, "changes.jsonl"), "utf8")).toBe("");
    expect((await stat(join(dir, "changes.jsonl"))).mode & 0o777).toBe(0o600);
    expect(planned.out + planned.err).not.toContain(mirror.file.configSegment);
  });

  it("takes requests of a file, plain or packed, and names its bad lines", async () => {
    const { run, dir } = fixture;
    const lines = ['{"url":"https://www.acme.localhost/"}', "nonsense", '{"url":"https://nobody.example/"}'];
    await writeFile(join(dir, "requests.jsonl"), lines.join("\n"));
    await writeFile(join(dir, "requests.jsonl.gz"), gzipSync(lines.join("\n")));
    for (const file of ["requests.jsonl", "requests.jsonl.gz"]) {
      const planned = await run("deploy", "plan", "--replay", file);
      expect(planned.code).toBe(0);
      expect(planned.out).toContain("Replay: 2 requests answered by both versions");
      expect(planned.out).toContain("line 2: is not JSON");
      expect(planned.out).toContain("1 site: 1 unaffected, 0 changed");
    }
  });

  it("refuses files without a request", async () => {
    const { run, dir } = fixture;
    const missing = await run("deploy", "plan", "--replay", "missing.jsonl");
    expect(missing.code).toBe(2);
    expect(missing.err).toContain("[replay/invalid-requests]");
    await writeFile(join(dir, "empty.jsonl"), "nonsense\n");
    expect(await run("deploy", "plan", "--replay", "empty.jsonl")).toMatchObject({ code: 2 });
  });

  it("runs the live version with the objects in it, and the planned one with those that stay", async () => {
    const { run, mirror } = fixture;
    await plantSnippet(mirror);
    // What somebody else made stays in the next version, so nothing changes.
    const kept = await run("deploy", "plan", "--sample", "1");
    expect(kept).toMatchObject({ code: 0 });
    expect(kept.out).toContain("1 site: 1 unaffected, 0 changed");
  });
});

describe("a replay where nothing is live", () => {
  it("is left, and flags that make no sense are refused", async () => {
    const fixture = await startEmpty();
    onTestFinished(() => end(fixture));
    const { run } = fixture;
    const left = await run("deploy", "plan", "--sample", "2");
    expect(left).toMatchObject({ code: 0 });
    expect(left.out).toContain("Replay: not made, nothing is live");
    expect(await run("deploy", "plan", "--sample", "2", "--replay", "x")).toMatchObject({ code: 2 });
    expect(await run("deploy", "plan", "--replay-out", "x")).toMatchObject({ code: 2 });
    expect(await run("deploy", "plan", "--sample", "0")).toMatchObject({ code: 2 });
  });
});
