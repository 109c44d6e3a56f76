import { execFileSync } from "node:child_process";
import { createServer } from "node:net";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { FastlyClient } from "../../src/fastly/client.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { Secret } from "../../src/lib/secret.ts";
import { startCli, startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess, ProcessPlace, RunningProcess } from "../support/cli-process.ts";
import { runHere } from "../support/command-line.ts";
import { FakeClock } from "../support/fake-clock.ts";
import { openKillGate } from "../support/kill-gate.ts";
import { KEY, signedHeaders } from "./hook-fixture.ts";
import { listenOnLoopback } from "../support/loopback-server.ts";

let root = "";
let mirror: MirrorProcess | undefined;

const SECRET = `old:${"o".repeat(32)},${KEY.id}:${KEY.secret.reveal()}`;

function mirrorFile(): MirrorProcess["file"] {
  if (!mirror) throw new Error("no mirror");
  return mirror.file;
}

/** Where the endpoint runs, with its S3 behind a gate if there is one. */
async function place(name: string, s3 = mirrorFile().s3.url): Promise<ProcessPlace> {
  const state = join(root, name);
  await mkdir(state, { recursive: true });
  await writeFile(
    join(state, "mirror.json"),
    JSON.stringify({ ...mirrorFile(), s3: { ...mirrorFile().s3, url: s3 } }),
  );
  return { cwd: root, env: { SITEFLEET_STATE: state, SITEFLEET_HOOK_SECRET: SECRET } };
}

async function startEndpoint(where: ProcessPlace): Promise<RunningProcess & { readonly url: string }> {
  const running = startCli(["hook", "serve", "--port", "0", "--json"], where);
  const line = await new Promise<string>((resolve, reject) => {
    let text = "";
    running.child.stdout?.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n")) resolve(text);
    });
    void running.end.then(({ err }) => reject(new Error(err)));
  });
  const { url } = JSON.parse(line) as { url: string };
  return { ...running, url };
}

async function call(
  url: string,
  method: "GET" | "POST",
  target: string,
  body?: Buffer,
): Promise<Record<string, unknown>> {
  const clock = new FakeClock(systemClock.now());
  const options = { environment: "local", ...(body === undefined ? {} : { body }) };
  const headers = { ...signedHeaders(clock, method, target, options), "content-type": "application/gzip" };
  const answer = await request(url + target, { method, headers, body: body ?? null });
  return (await answer.body.json()) as Record<string, unknown>;
}

/** What the site's record says: what it shows and whether anything is owed. */
async function shown(site: string): Promise<unknown> {
  const variables = { SITEFLEET_STATE: join(root, "state") };
  const { out } = await runHere(["site", "show", site, "--json"], {
    cwd: root,
    clock: systemClock,
    variables,
  });
  return JSON.parse(out);
}

async function packed(text: string): Promise<Buffer> {
  const dir = await mkdtemp(join(root, "site-"));
  await writeFile(join(dir, "index.html"), text);
  execFileSync("tar", ["-C", dir, "-czf", `${dir}.tar.gz`, "."]);
  return readFile(`${dir}.tar.gz`);
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sitefleet-hook-"));
  const where = { cwd: root, env: { SITEFLEET_STATE: join(root, "state") } };
  mirror = await startMirrorProcess(where);
  // A service to purge; what it does with requests is nothing to these tests.
  const { url: apiUrl, token } = mirror.file.api;
  const client = new FastlyClient({ apiUrl, token: new Secret(token), clock: systemClock });
  await client.createService("sitefleet-local");
  await client.close();
});

afterAll(async () => {
  await mirror?.stop();
  await rm(root, { recursive: true, force: true });
});

describe("hook serve", () => {
  it("finishes a publish that SIGTERM finds half done, then ends with 0", async () => {
    const gate = await openKillGate(mirrorFile().s3.url, () => false);
    const endpoint = await startEndpoint(await place("polite", gate.url));
    await call(
      endpoint.url,
      "POST",
      "/v1/sites/polite/publish?domain=polite.localhost",
      await packed("polite"),
    );
    while (!gate.calls.some((line) => line.startsWith("PUT ")))
      await new Promise((resolve) => setImmediate(resolve));
    endpoint.child.kill("SIGTERM");
    const { code, err } = await endpoint.end;
    expect([code, err]).toEqual([0, expect.stringContaining("finishing what runs")]);
    expect(await shown("polite")).toMatchObject({ current: "1", owed: [] });
    await gate.close();
  });

  it("goes on after kill -9 in the middle of a publish, and knows the job by its id", async () => {
    const gate = await openKillGate(mirrorFile().s3.url, (line) => /^PUT .*index\.html/.test(line), "after");
    const endpoint = await startEndpoint(await place("killed", gate.url));
    const target = "/v1/sites/killed/publish?domain=killed.localhost";
    const job = await call(endpoint.url, "POST", target, await packed("after all"));
    await gate.reached;
    endpoint.child.kill("SIGKILL");
    await endpoint.end;
    await gate.close();
    const next = await startEndpoint(await place("killed"));
    const path = `/v1/jobs/${String(job["id"])}`;
    let now = job;
    while (now["state"] !== "done") now = await call(next.url, "GET", path);
    expect(now).toMatchObject({ attempts: 2, result: { kind: "published", domains: ["killed.localhost"] } });
    expect(await shown("killed")).toMatchObject({ current: expect.any(String), owed: [] });
    next.child.kill("SIGINT");
    expect((await next.end).code).toBe(0);
  });

  it("does not start without secrets, without an environment, on a taken port, or with a number that is none", async () => {
    const { env = {} } = await place("wrong");
    const clock = systemClock;
    const run = (args: readonly string[], variables: Readonly<Record<string, string>>) =>
      runHere(["hook", "serve", ...args], { cwd: root, clock, variables });
    const { SITEFLEET_HOOK_SECRET: _, ...others } = env;
    expect(await run([], others)).toMatchObject({
      code: 4,
      err: expect.stringContaining("SITEFLEET_HOOK_SECRET_LOCAL"),
    });
    const short = { ...others, SITEFLEET_HOOK_SECRET: "main:short" };
    expect(await run([], short)).toMatchObject({
      code: 4,
      err: expect.stringContaining("hook/invalid-secret"),
    });
    const nowhere = { ...env, SITEFLEET_STATE: join(root, "nowhere") };
    expect(await run([], nowhere)).toMatchObject({
      code: 3,
      err: expect.stringContaining("mirror/not-running"),
    });
    expect(await run(["--port", "70000"], env)).toMatchObject({
      code: 2,
      err: expect.stringContaining("--port"),
    });
    const taken = createServer();
    const port = await listenOnLoopback(taken);
    expect(await run(["--port", String(port)], env)).toMatchObject({
      code: 1,
      err: expect.stringContaining("hook/port-in-use"),
    });
    taken.close();
  });
});
