import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess } from "../support/cli-process.ts";
import { runHere } from "../support/command-line.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { openKillGate } from "../support/kill-gate.ts";
import type { KillGate } from "../support/kill-gate.ts";

const HOST = "delta.localhost";
const V1 = {
  "index.html": "one",
  "about.html": "about",
  "docs/index.html": "docs",
  "news.html": "news",
  "app.css": "p{}",
  "404.html": "nothing here",
};

let root = "";
let mirror: MirrorProcess | undefined;
/** Between the edge and S3; it stops nothing and tells what the edge reads. */
let origin: KillGate | undefined;

/** Runs a command in a state folder, with a clock that does not wait. */
async function run(state: string, args: readonly string[]): Promise<unknown> {
  const { code, out, err } = await runHere([...args, "--json"], {
    cwd: root,
    clock: new InstantClock(systemClock.now()),
    variables: { SITEFLEET_STATE: join(root, state) },
  });
  if (code !== 0) throw new Error(`sitefleet ${args.join(" ")}: exit ${code}\n${out}${err}`);
  return JSON.parse(out);
}

async function publish(
  files: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<unknown> {
  const dir = await mkdtemp(join(root, "site-"));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true });
    await writeFile(join(dir, path), content);
  }
  // Warmed pages would be read before anyone visits them.
  return run("state", ["publish", dir, "--site", "delta", "--domain", HOST, "--no-warm", ...flags]);
}

interface Visit {
  readonly status: number;
  readonly body: string;
}

/** Visits a path, and what the edge read of the hosting bucket for it. */
async function visit(path: string): Promise<Visit & { readonly reads: readonly string[] }> {
  const before = origin?.calls.length ?? 0;
  const answer = await request(`${mirror?.file.edge.http}${path}`, { headers: { host: HOST } });
  const body = await answer.body.text();
  const calls = (origin?.calls ?? []).slice(before);
  const reads = calls.filter((call) => call.startsWith("GET /sitefleet-hosting/"));
  return { status: answer.statusCode, body, reads: reads.map((call) => call.replace(/^.*\/delta\//, "")) };
}

async function visitAll(paths: readonly string[]): Promise<readonly string[]> {
  const reads: string[] = [];
  for (const path of paths) reads.push(...(await visit(path)).reads);
  return reads;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sitefleet-delta-"));
  mirror = await startMirrorProcess({ cwd: root, env: { SITEFLEET_STATE: join(root, "state") } });
  origin = await openKillGate(mirror.file.s3.url, () => false);
  // A service that is deployed through the gate has it as its origin.
  await mkdir(join(root, "gated"));
  const gated = { ...mirror.file, s3: { ...mirror.file.s3, url: origin.url } };
  await writeFile(join(root, "gated", "mirror.json"), JSON.stringify(gated));
  await symlink(join(root, "state", "logs"), join(root, "gated", "logs"));
  await run("gated", ["deploy", "apply"]);
}, 120_000);

afterAll(async () => {
  await mirror?.stop();
  await origin?.close();
  await rm(root, { recursive: true, force: true });
});

test("a publish leaves every page that did not change in the caches, and rolling back too", async () => {
  const paths = ["/", "/about", "/docs/", "/news", "/app.css"];
  await publish(V1);
  expect(await visitAll(paths)).toEqual([
    "1/index.html",
    "1/about.html",
    "1/docs.html",
    "1/news.html",
    "1/app.css",
  ]);
  expect(await visitAll(paths), "all is cached").toEqual([]);

  const { "app.css": _, "news.html": _news, ...rest } = V1;
  const report = await publish({ ...rest, "about.html": "about two", "new.html": "new" });
  expect(report).toMatchObject({ release: "2", written: { kind: "delta", uploaded: 2, copied: 0 } });
  expect(await visitAll(["/", "/docs/"]), "unchanged pages").toEqual([]);
  expect(await visit("/about")).toMatchObject({ body: "about two", reads: ["2/about.html"] });
  expect(await visit("/new")).toMatchObject({ body: "new", reads: ["2/new.html"] });
  expect(await visit("/news"), "a removed page").toMatchObject({ status: 404, body: "nothing here" });
  expect(await visit("/app.css"), "an old page asks for its style").toMatchObject({
    status: 200,
    body: "p{}",
    reads: [],
  });

  await run("state", ["site", "rollback", "delta"]);
  expect(await visitAll(paths), "the release before is still cached").toEqual([]);
  expect(await visit("/about")).toMatchObject({ body: "about" });
  expect(await visit("/new")).toMatchObject({ status: 404 });

  await publish({ ...V1, "docs/index.html": "docs two" }, ["--in-place"]);
  expect(await visitAll(["/", "/about", "/news"]), "pages that were not overwritten").toEqual([]);
  expect(await visit("/docs/")).toMatchObject({ body: "docs two", reads: ["1/docs.html"] });

  await publish({ ...V1, "docs/index.html": "docs three" }, ["--full"]);
  expect(await visit("/docs/")).toMatchObject({ body: "docs three", reads: ["3/docs.html"] });
  expect((await visit("/")).reads, "a full release is a place of its own").toEqual(["3/index.html"]);
});
