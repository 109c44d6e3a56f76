import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import type { MirrorFile } from "../../src/settings/local.ts";
import { runCli, startCli } from "../support/cli-process.ts";
import type { ProcessPlace } from "../support/cli-process.ts";
import { openCallGate } from "../support/call-gate.ts";
import type { CallGate } from "../support/call-gate.ts";
import { runHere } from "../support/command-line.ts";
import { InstantClock } from "../support/instant-clock.ts";

let root = "";
let mirror: Mirror;

function place(state = "state"): ProcessPlace {
  return { cwd: root, env: { SITEFLEET_STATE: join(root, state) } };
}

/** Runs a command in this process, on a clock that does not wait. */
function run(args: readonly string[], state = "state"): ReturnType<typeof runHere> {
  const variables = { SITEFLEET_STATE: join(root, state) };
  return runHere(args, { cwd: root, clock: new InstantClock(systemClock.now()), variables });
}

async function succeeds(args: readonly string[]): Promise<string> {
  const { code, out, err } = await run(args);
  if (code !== 0) throw new Error(`sitefleet ${args.join(" ")}: exit ${code}\n${out}${err}`);
  return out;
}

/** A state folder whose mirror.json is another. */
async function otherState(name: string, change: (file: MirrorFile) => MirrorFile): Promise<void> {
  await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, name, "mirror.json"), JSON.stringify(change(mirror.file)));
}

/** A gate, and a state folder of its name that leads through it. */
async function openGate(name: string): Promise<CallGate> {
  const { s3, api } = mirror.file;
  const gate = await openCallGate({ s3: s3.url, api: api.url });
  await otherState(name, (file) => ({
    ...file,
    s3: { ...s3, url: gate.s3 },
    api: { ...api, url: gate.api },
  }));
  return gate;
}

async function edition(text: string): Promise<string> {
  const dir = join(root, "editions", text);
  await mkdir(dir, { recursive: true });
  for (const page of ["index", "two"]) await writeFile(join(dir, `${page}.html`), `${text} ${page}`);
  await writeFile(join(dir, "same.html"), "same");
  return dir;
}

/** The one edition that all pages of a site are of. */
async function seen(site: string): Promise<string> {
  const texts = await Promise.all(
    ["/", "/two"].map(async (path) => {
      const headers = { host: `${site}.localhost` };
      return (await request(mirror.file.edge.http + path, { headers })).body.text();
    }),
  );
  return [...new Set(texts.map((text) => text.split(" ")[0]))].join("+");
}

async function publish(site: string, text: string, ...flags: readonly string[]): Promise<readonly string[]> {
  return ["publish", await edition(text), "--site", site, "--no-warm", ...flags];
}

const isRecord = (site: string) => (call: string) =>
  call.startsWith(`PUT /sitefleet-config/local/production/_sites/${site}.json`);
const isPurge = (call: string): boolean => /^POST \/service\/[^/]+\/purge/.test(call);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sitefleet-once-"));
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0 };
  mirror = await startMirror({ stateDir: join(root, "state"), ports, clock: systemClock, pid: process.pid });
  const variables = { SITEFLEET_STATE: join(root, "state") };
  const deployed = await runHere(["deploy", "apply"], { cwd: root, clock: systemClock, variables });
  expect(deployed.code).toBe(0);
});

afterAll(async () => {
  await mirror.close();
  await rm(root, { recursive: true, force: true });
});

describe("two processes that publish one site at once", () => {
  async function race(site: string, ...flags: readonly string[]) {
    await succeeds(await publish(site, "old", "--domain", `${site}.localhost`));
    expect(await seen(site)).toBe("old");
    const gate = await openGate(site);
    gate.arm(isRecord(site), "hold");
    const slow = startCli(await publish(site, "slow", ...flags), place(site));
    await gate.reached();
    const quick = await runCli(await publish(site, "quick"), place());
    const between = await seen(site);
    gate.release();
    const end = await slow.end;
    await gate.close();
    const record: unknown = JSON.parse(await succeeds(["site", "show", site, "--json"]));
    expect(record).toMatchObject({ owed: [] });
    return { quick, between, slow: end };
  }

  test("let one win; the other exits 6, shows nothing, and can be run again", async () => {
    const { quick, between, slow } = await race("lost");
    expect([quick.code, between]).toEqual([0, "quick"]);
    expect([slow.code, slow.err]).toEqual([6, expect.stringContaining("[site/changed-meanwhile]")]);
    expect(await seen("lost")).toBe("quick");
    await succeeds(await publish("lost", "slow"));
    expect(await seen("lost")).toBe("slow");
  });

  test("both end with --retry, and the last one is shown", async () => {
    const { quick, between, slow } = await race("again", "--retry");
    expect([quick.code, between]).toEqual([0, "quick"]);
    expect([slow.code, slow.err]).toEqual([0, expect.stringContaining("planning again")]);
    expect(await seen("again")).toBe("slow");
  });

  test("leave one edition whole, whoever is quicker", async () => {
    await succeeds(await publish("free", "old", "--domain", "free.localhost"));
    await seen("free");
    const ends = await Promise.all(
      ["red", "green", "blue"].map(async (text) => ({
        text,
        code: (await runCli(await publish("free", text), place())).code,
      })),
    );
    const winners = ends.filter(({ code }) => code === 0).map(({ text }) => text);
    expect(ends.filter(({ code }) => code !== 0 && code !== 6)).toEqual([]);
    expect(winners).toContain(await seen("free"));
    expect(JSON.parse(await succeeds(["purge", "--owed", "--json"]))).toEqual([]);
  });
});

test("processes that settle the same owed purges lose none, also when one of them is killed", async () => {
  const sites = ["o1", "o2", "o3", "o4"];
  for (const site of sites) {
    await succeeds(await publish(site, "old", "--domain", `${site}.localhost`));
    expect(await seen(site)).toBe("old");
  }
  // The token is refused: everything is written, nothing is purged.
  await otherState("refused", (file) => ({ ...file, api: { ...file.api, token: "wrong" } }));
  for (const site of sites) {
    expect((await run(await publish(site, "new"), "refused")).code).toBe(4);
    expect((await run(["purge", "--key", `key-of-${site}`], "refused")).code).toBe(4);
    expect(await seen(site)).toBe("old");
  }
  const owed: unknown = JSON.parse(await succeeds(["purge", "--owed", "--json"]));
  expect(owed).toHaveLength(2 * sites.length);

  const gate = await openGate("settling");
  gate.arm(isPurge, "hold");
  const victim = startCli(["purge", "--owed", "--send"], place("settling"));
  await gate.reached();
  const others = [
    startCli(["purge", "--owed", "--send"], place()),
    startCli(["purge", "--owed", "--send"], place()),
  ];
  victim.child.kill("SIGKILL");
  expect((await victim.end).code).toBe("SIGKILL");
  expect((await Promise.all(others.map(({ end }) => end))).map(({ code, err }) => [code, err])).toEqual([
    [0, expect.not.stringContaining("error")],
    [0, expect.not.stringContaining("error")],
  ]);
  await gate.close();
  expect(await Promise.all(sites.map(seen))).toEqual(sites.map(() => "new"));
  expect(JSON.parse(await succeeds(["purge", "--owed", "--json"]))).toEqual([]);
});
