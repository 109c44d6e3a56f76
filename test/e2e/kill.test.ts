import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { MirrorFile } from "../../src/settings/local.ts";
import { CHECKOUT, portsOf, runCli, startCli, startMirrorProcess } from "../support/cli-process.ts";
import type { MirrorProcess, ProcessPlace } from "../support/cli-process.ts";
import { runHere } from "../support/command-line.ts";
import { InstantClock } from "../support/instant-clock.ts";
import { openKillGate } from "../support/kill-gate.ts";
import type { KillGate } from "../support/kill-gate.ts";

let root = "";
let mirror: MirrorProcess | undefined;

function mirrorFile(): MirrorFile {
  if (!mirror) throw new Error("no mirror");
  return mirror.file;
}

/** Where a command runs that talks to the mirror itself. */
function place(cli?: string): ProcessPlace {
  const env = { SITEFLEET_STATE: join(root, "state") };
  return { cwd: root, env, ...(cli === undefined ? {} : { cli }) };
}

/** Where a command runs that talks to the mirror through gates. */
async function gatedPlace(
  name: string,
  urls: { readonly s3?: string; readonly api?: string },
): Promise<ProcessPlace> {
  const file = mirrorFile();
  const { s3 = file.s3.url, api = file.api.url } = urls;
  const gated = { ...file, s3: { ...file.s3, url: s3 }, api: { ...file.api, url: api } };
  const state = join(root, `gated-${name}`);
  await mkdir(state, { recursive: true });
  await writeFile(join(state, "mirror.json"), JSON.stringify(gated));
  return { cwd: root, env: { SITEFLEET_STATE: state } };
}

/** Runs a command that nobody kills: in this process, with a clock that does not wait. */
async function succeeds(args: readonly string[]): Promise<string> {
  const { cwd, env = {} } = place();
  const { code, out, err } = await runHere(args, {
    cwd,
    clock: new InstantClock(systemClock.now()),
    variables: env,
  });
  if (code !== 0) throw new Error(`sitefleet ${args.join(" ")}: exit ${code}\n${out}${err}`);
  return out;
}

async function visit(host: string, path = "/"): Promise<string> {
  const answer = await request(mirrorFile().edge.http + path, { headers: { host } });
  return answer.body.text();
}

/** A site of three pages, each saying which edition it belongs to, and one that is the same in all. */
async function edition(site: string, text: string): Promise<string> {
  const dir = join(root, "sites", site, text);
  await mkdir(dir, { recursive: true });
  for (const page of ["index", "two", "three"]) await writeFile(join(dir, `${page}.html`), `${text} ${page}`);
  await writeFile(join(dir, "same.html"), "same");
  return dir;
}

/** What a visitor of the site sees: the one edition that all its pages are of. */
async function seen(site: string): Promise<string> {
  const pages = await Promise.all(["/", "/two", "/three"].map((path) => visit(`${site}.localhost`, path)));
  const editions = new Set(pages.map((text) => text.split(" ")[0]));
  return [...editions].join("+");
}

/** Starts a command and kills it, as `kill -9` does, at the call that a gate stops. */
async function killAt(gate: KillGate, args: readonly string[], where: ProcessPlace): Promise<string> {
  const { child, end } = startCli(args, where);
  const call = await Promise.race([gate.reached, end]);
  if (typeof call !== "string") throw new Error(`not stopped at a call: exit ${call.code}\n${call.err}`);
  child.kill("SIGKILL");
  expect((await end).code).toBe("SIGKILL");
  return call;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sitefleet-kill-"));
  mirror = await startMirrorProcess(place());
  const { code, err } = await runCli(["deploy", "apply"], place());
  if (code !== 0) throw new Error(err);
});

afterAll(async () => {
  await mirror?.stop();
  await rm(root, { recursive: true, force: true });
});

/** A moment at which a publish is killed, and what is left then. */
interface KillRow {
  readonly site: string;
  readonly moment: string;
  readonly part: "s3" | "api";
  readonly isMeant: (call: string) => boolean;
  readonly when: "before" | "after";
  readonly shows: "old" | "new";
  readonly owes: boolean;
  readonly extra?: readonly string[];
}

describe("a publish that is killed", () => {
  const isUpload = (call: string): boolean => /^PUT \/sitefleet-hosting\/.*two\.html/.test(call);
  const isConfig = (call: string): boolean => /^PUT \/sitefleet-config\/.*\.localhost\//.test(call);
  const isPurge = (call: string): boolean => /^POST \/service\/[^/]+\/purge/.test(call);
  const isManifest = (call: string): boolean =>
    /^PUT \/sitefleet-config\/.*\/releases\/[0-9a-z]+\.jsonl/.test(call);
  const isCopy = (call: string): boolean => /^PUT \/sitefleet-hosting\/.*same\.html/.test(call);
  /** The record is written twice: to commit, and when nothing is owed any more. */
  const isRecord = (count: number): ((call: string) => boolean) => {
    let written = 0;
    return (call) =>
      /^PUT \/sitefleet-config\/.*\/_sites\/[a-z0-9]+\.json(?:\?|$)/.test(call) && ++written === count;
  };

  test.concurrent.for([
    {
      site: "k1",
      moment: "once it claimed a release",
      part: "s3",
      isMeant: isManifest,
      when: "after",
      shows: "old",
      owes: false,
    },
    {
      site: "k2",
      moment: "while it uploads",
      part: "s3",
      isMeant: isUpload,
      when: "before",
      shows: "old",
      owes: false,
    },
    {
      site: "k3",
      moment: "before it commits",
      part: "s3",
      isMeant: isRecord(1),
      when: "before",
      shows: "old",
      owes: false,
    },
    {
      site: "k4",
      moment: "right after it committed",
      part: "s3",
      isMeant: isRecord(1),
      when: "after",
      shows: "old",
      owes: true,
    },
    {
      site: "k5",
      moment: "once a config was written",
      part: "s3",
      isMeant: isConfig,
      when: "after",
      shows: "old",
      owes: true,
    },
    {
      site: "k6",
      moment: "before it purges",
      part: "api",
      isMeant: isPurge,
      when: "before",
      shows: "old",
      owes: true,
    },
    {
      site: "k7",
      moment: "between its purges",
      part: "api",
      isMeant: isPurge,
      when: "after",
      shows: "new",
      owes: true,
    },
    {
      site: "k8",
      moment: "while it copies for a full release",
      part: "s3",
      isMeant: isCopy,
      when: "after",
      shows: "old",
      owes: false,
      extra: ["--full"],
    },
    {
      site: "k9",
      moment: "when it has said that nothing is owed",
      part: "s3",
      isMeant: isRecord(2),
      when: "after",
      shows: "new",
      owes: false,
    },
  ] satisfies readonly KillRow[])(
    "$moment leaves wholly one edition, and the next run shows the new one",
    async (row) => {
      const { site, part, isMeant, when, shows, owes, extra = [] } = row;
      const flags = ["--site", site, "--domain", `${site}.localhost`];
      await succeeds(["publish", await edition(site, "old"), ...flags]);
      expect(await seen(site)).toBe("old");
      const gate = await openKillGate(mirrorFile()[part].url, isMeant, when);
      const next = await edition(site, "new");
      await killAt(gate, ["publish", next, ...flags, ...extra], await gatedPlace(site, { [part]: gate.url }));
      await gate.close();
      expect(await seen(site)).toBe(shows);
      const record = async (): Promise<unknown> =>
        JSON.parse(await succeeds(["site", "show", site, "--json"]));
      expect(await record()).toMatchObject({ owed: owes ? [{ keys: [`c:${site}`] }] : [] });
      await succeeds(["publish", next, ...flags]);
      expect(await seen(site)).toBe("new");
      expect(await record()).toMatchObject({ owed: [] });
    },
  );
});

test("a publish in place that is killed leaves assets before pages, and the next run makes a whole release", async () => {
  const flags = ["--site", "placed", "--domain", "placed.localhost"];
  const styled = async (text: string): Promise<string> => {
    const dir = await edition("placed", text);
    await writeFile(join(dir, "app.css"), `${text} style`);
    return dir;
  };
  await succeeds(["publish", await styled("old"), ...flags]);
  const s3 = mirrorFile().s3.url;
  const gate = await openKillGate(s3, (call) => /^PUT \/sitefleet-hosting\/.*two\.html/.test(call));
  const next = await styled("new");
  await killAt(gate, ["publish", next, ...flags, "--in-place"], await gatedPlace("placed", { s3: gate.url }));
  const isStyle = gate.calls.findIndex((call) => call.includes("app.css"));
  expect(isStyle).toBeGreaterThan(0);
  expect(gate.calls.slice(0, isStyle).filter((call) => /^PUT .*\.html/.test(call))).toEqual([]);
  await gate.close();
  const shown: unknown = JSON.parse(await succeeds(["site", "show", "placed", "--json"]));
  expect(JSON.stringify(shown)).toContain('"dirty":true');
  const report: unknown = JSON.parse(await succeeds(["publish", next, ...flags, "--in-place", "--json"]));
  expect(report).toMatchObject({ release: "2", written: { kind: "full", reason: "no-base" } });
  expect(await seen("placed")).toBe("new");
  expect(await visit("placed.localhost", "/app.css")).toBe("new style");
});

test("a deploy that is killed again and again leaves the old or the new version live, and ends right", async () => {
  const clone = join(root, "clone");
  for (const name of ["dist", "templates", "package.json"]) {
    await cp(join(CHECKOUT, name), join(clone, name), { recursive: true });
  }
  await symlink(join(CHECKOUT, "node_modules"), join(clone, "node_modules"));
  const template = join(clone, "templates/unknown-host.vcl.njk");
  const before = await readFile(template, "utf8");
  const after = before.replace("{{ pages.unknownHost.title | vcl }}", '"Nobody lives here"');
  expect(after).not.toBe(before);
  await writeFile(template, after);
  const cli = join(clone, "dist/cli.js");
  const moments: readonly (readonly [RegExp, "before" | "after", RegExp])[] = [
    [/^PUT \/service\/[^/]+\/version\/\d+\/clone/, "after", /No site here yet/],
    [/^(PUT|POST) \/service\/[^/]+\/version\/\d+\/vcl/, "after", /No site here yet/],
    [/^PUT \/service\/[^/]+\/version\/\d+\/activate/, "before", /No site here yet/],
    [/^PUT \/service\/[^/]+\/version\/\d+\/activate/, "after", /Nobody lives here/],
  ];
  for (const [index, [pattern, when, page]] of moments.entries()) {
    const gate = await openKillGate(mirrorFile().api.url, (call) => pattern.test(call), when);
    const where = await gatedPlace(`deploy-${index}`, { api: gate.url });
    await killAt(gate, ["deploy", "apply"], { ...where, cli });
    await gate.close();
    expect(await visit(`nobody-${index}.localhost`)).toMatch(page);
  }
  const last = await runCli(["deploy", "apply", "--json"], place(cli));
  expect(JSON.parse(last.out)).toMatchObject({ outcome: "verified", version: 2 });
  const plan = await runCli(["deploy", "plan", "--detailed-exitcode"], place(cli));
  expect(plan.code).toBe(0);
  expect(await visit("nobody-at-all.localhost")).toContain("Nobody lives here");
});

test("a mirror that is killed, alone and in a publish, comes back with everything it had confirmed", async () => {
  const flags = ["--site", "lasting", "--domain", "lasting.localhost"];
  await succeeds(["publish", await edition("lasting", "old"), ...flags]);
  const gate = await openKillGate(mirrorFile().s3.url, (call) => /^PUT .*two\.html/.test(call), "after");
  const next = await edition("lasting", "new");
  const run = startCli(["publish", next, ...flags], await gatedPlace("lasting", { s3: gate.url }));
  await gate.reached;
  mirror?.child.kill("SIGKILL");
  await mirror?.end;
  await gate.close();
  const { code, err } = await run.end;
  expect(err).toContain("[store/unreachable]");
  expect(code).toBe(3);
  mirror = await startMirrorProcess(place(), [], portsOf(mirrorFile()));
  expect(await seen("lasting")).toBe("old");
  await succeeds(["publish", next, ...flags]);
  expect(await seen("lasting")).toBe("new");
});
