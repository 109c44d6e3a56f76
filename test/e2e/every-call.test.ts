import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { startMirror } from "../../src/mirror/mirror.ts";
import type { Mirror } from "../../src/mirror/mirror.ts";
import { startCli } from "../support/cli-process.ts";
import { openCallGate } from "../support/call-gate.ts";
import type { CallGate } from "../support/call-gate.ts";
import { runHere } from "../support/command-line.ts";
import { InstantClock } from "../support/instant-clock.ts";

let root = "";
let mirror: Mirror;
let visitors: Agent;
const gates: CallGate[] = [];

/** Runs a command to its end, in this process and on a clock that does not wait. */
async function run(args: readonly string[], state = "state"): ReturnType<typeof runHere> {
  const variables = { SITEFLEET_STATE: join(root, state) };
  return runHere(args, { cwd: root, clock: new InstantClock(systemClock.now()), variables });
}

async function succeeds(args: readonly string[]): Promise<string> {
  const { code, out, err } = await run(args);
  if (code !== 0) throw new Error(`sitefleet ${args.join(" ")}: exit ${code}\n${out}${err}`);
  return out;
}

/** A gate, and a state folder that leads through it. */
async function openGate(name: string): Promise<CallGate> {
  const { file } = mirror;
  const gate = await openCallGate({ s3: file.s3.url, api: file.api.url });
  gates.push(gate);
  const gated = { ...file, s3: { ...file.s3, url: gate.s3 }, api: { ...file.api, url: gate.api } };
  await mkdir(join(root, name), { recursive: true });
  await writeFile(join(root, name, "mirror.json"), JSON.stringify(gated));
  return gate;
}

/** The folder of an edition: two pages and a style that say its number, a page that never changes, one in every other. */
async function edition(number: number): Promise<string> {
  const dir = join(root, "editions", String(number));
  const files = {
    "index.html": `${number} index`,
    "two.html": `${number} two`,
    "app.css": `${number} style`,
    "same.html": "same",
    _redirects: "/moved /two 302",
    ...(number % 2 === 0 ? { "extra.html": `${number} extra` } : {}),
  };
  await mkdir(dir, { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  return dir;
}

const PATHS = ["/", "/two", "/app.css", "/same", "/extra", "/moved", "/added"];

/** What a visitor of a host gets: bodies, where redirects lead, else the status. */
async function view(host: string): Promise<string> {
  const answers = await Promise.all(
    PATHS.map(async (path) => {
      const url = mirror.file.edge.http + path;
      const { statusCode, headers, body } = await request(url, { headers: { host }, dispatcher: visitors });
      const text = await body.text();
      const location = headers["location"];
      if (typeof location === "string") return `${path} -> ${location}`;
      return statusCode === 200 ? `${path}: ${text}` : `${path}: status ${statusCode}`;
    }),
  );
  return answers.join("\n");
}

interface Step {
  /** Commands that make what this step starts from. */
  readonly before?: readonly (readonly string[])[];
  /** The command that dies, and is run again. */
  readonly command: readonly string[];
  /** What running it once more may say instead of ending well: it was done already. */
  readonly done?: string;
  /** A line that every one of `changed` must show in the end. */
  readonly shows: string;
}

interface Mode {
  readonly name: string;
  readonly site: string;
  /** Hosts that show something else afterwards. */
  readonly changed: readonly string[];
  /** Hosts that must show the same all the time. */
  readonly unchanged?: readonly string[];
  readonly first?: readonly (readonly string[])[];
  readonly step: (number: number) => Promise<Step>;
  /** What a host may show besides the old and the new. */
  readonly mayMix?: (shown: string, number: number) => void;
}

const host = (site: string): string => `${site}.localhost`;
const preview = (site: string): string => `pr--${site}.preview.localhost`;
const publish = (site: string, dir: string, ...flags: readonly string[]): readonly string[] => [
  "publish",
  dir,
  "--site",
  site,
  "--no-warm",
  ...flags,
];
const start = (site: string, dir: string): readonly string[] => publish(site, dir, "--domain", host(site));
const alias = (site: string): readonly string[] => [
  "domain",
  "add",
  `www-${site}.localhost`,
  "--site",
  site,
  "--canonical",
  host(site),
];

/** A mode that publishes the next edition each time. */
function publishing(name: string, site: string, flags: readonly string[] = []): Mode {
  return {
    name,
    site,
    changed: [host(site)],
    unchanged: [`www-${site}.localhost`],
    first: [start(site, FIRST), alias(site)],
    step: async (number) => ({
      command: publish(site, await edition(number + 1), ...flags),
      shows: `/: ${number + 1} index`,
    }),
  };
}

/** Assets before pages, pages before removals. */
function inOrder(shown: string, number: number): void {
  const isNew = (path: string): boolean => shown.includes(`${path}: ${number + 1} `);
  const pages = ["/", "/two"].map(isNew);
  if (pages.includes(true)) expect(isNew("/app.css"), shown).toBe(true);
  const isRemoved = number % 2 === 0 && shown.includes("/extra: status 404");
  if (isRemoved) expect(pages, shown).toEqual([true, true]);
  expect(shown).toContain("/same: same");
}

/** Folders, as commands are told them. */
const FIRST = "editions/1";
const SECOND = "editions/2";

const MODES: readonly ((site: string) => Mode)[] = [
  (site) => ({
    name: "a first publish",
    site,
    changed: [],
    step: (number) => Promise.resolve({ command: start(`${site}-${number}`, FIRST), shows: "/: 1 index" }),
  }),
  (site) => publishing("a publish", site),
  (site) => publishing("a full publish", site, ["--full"]),
  (site) => ({
    ...publishing("a publish in place", site, ["--in-place"]),
    step: async (number) => ({
      // What is in caches would hide the order in which objects change.
      before: [["purge", "--site", site]],
      command: publish(site, await edition(number + 1), "--in-place"),
      shows: `/: ${number + 1} index`,
    }),
    mayMix: inOrder,
  }),
  (site) => ({
    name: "a preview",
    site,
    changed: [preview(site)],
    unchanged: [host(site)],
    first: [start(site, FIRST), publish(site, FIRST, "--preview", "pr")],
    step: async (number) => ({
      command: publish(site, await edition(number + 1), "--preview", "pr"),
      shows: `/: ${number + 1} index`,
    }),
  }),
  (site) => ({
    name: "a rollback",
    site,
    changed: [host(site)],
    unchanged: [`www-${site}.localhost`, preview(site)],
    first: [start(site, FIRST), alias(site), publish(site, SECOND), publish(site, FIRST, "--preview", "pr")],
    step: (number) =>
      Promise.resolve({
        command: ["site", "rollback", site, "--to", number % 2 === 1 ? "1" : "2"],
        shows: `/: ${number % 2 === 1 ? 1 : 2} index`,
      }),
  }),
  (site) => ({
    name: "a promotion of a preview",
    site,
    changed: [host(site)],
    first: [start(site, FIRST)],
    step: async (number) => ({
      before: [publish(site, await edition(number + 1), "--preview", "pr")],
      command: ["site", "promote", site, "pr"],
      shows: `/: ${number + 1} index`,
    }),
  }),
  (site) => ({
    name: "a promotion from staging",
    site,
    changed: [host(site)],
    unchanged: [],
    first: [start(site, FIRST), publish(site, FIRST, "--domain", `${site}.staging.localhost`)],
    step: async (number) => ({
      before: [publish(site, await edition(number + 1), "--site-env", "staging")],
      command: ["site", "promote", site, "--from", "staging"],
      shows: `/: ${number + 1} index`,
    }),
  }),
  (site) => ({
    name: "a prune",
    site,
    changed: [],
    unchanged: [host(site), preview(site)],
    first: [start(site, FIRST), publish(site, FIRST, "--preview", "pr")],
    step: async (number) => ({
      before: [publish(site, await edition(number + 1), "--full"), publish(site, FIRST, "--full")],
      command: ["site", "prune", site, "--keep", "1", "--older", "0"],
      shows: "/: 1 index",
    }),
  }),
  (site) => ({
    name: "a redirect",
    site,
    changed: [host(site)],
    unchanged: [`www-${site}.localhost`],
    first: [start(site, FIRST), alias(site)],
    step: (number) =>
      Promise.resolve({
        before: number === 1 ? [] : [["redirect", "remove", "/added", "--site", site]],
        command: ["redirect", "add", "/added", `/two?${number}`, "--site", site],
        shows: `/added -> /two?${number}`,
      }),
  }),
  (site) => ({
    name: "the first step of a deletion",
    site,
    changed: [host(site), `www-${site}.localhost`, preview(site)],
    first: [
      start(site, FIRST),
      alias(site),
      publish(site, SECOND, "--preview", "pr"),
      ["site", "delete", site],
    ],
    step: () =>
      Promise.resolve({
        before: [["site", "delete", site, "--undo"]],
        command: ["site", "delete", site],
        shows: "/: status 404",
      }),
  }),
  (site) => ({
    name: "the second step of a deletion",
    site,
    changed: [],
    unchanged: [host(site)],
    step: () =>
      Promise.resolve({
        before: [start(site, FIRST), publish(site, SECOND), ["site", "delete", site]],
        command: ["site", "delete", site, "--purge-files", "--yes"],
        done: "site/not-found",
        shows: "/: status 404",
      }),
  }),
];

async function views(hosts: readonly string[]): Promise<readonly string[]> {
  return Promise.all(hosts.map(view));
}

/** Holds one death of a mode against what visitors were promised; tells whether the command got that far. */
async function diesOnce(mode: Mode, number: number, die: (command: readonly string[]) => Promise<boolean>) {
  const { before = [], command, done, shows } = await mode.step(number);
  for (const args of before) await succeeds(args);
  // A site of its own each time has a host of its own.
  const at = command.indexOf("--domain");
  const changed = at === -1 ? mode.changed : [command[at + 1] ?? ""];
  const { unchanged = [] } = mode;
  const old = mode.mayMix ? [] : await views(changed);
  const steady = await views(unchanged);
  const died = await die(command);
  const left = await views(changed);
  expect(await views(unchanged)).toEqual(steady);
  const again = await run([...command, "--json"]);
  if (again.code !== 0) expect([done, again.out]).toEqual([done, expect.stringContaining(done ?? "exit 0")]);
  const next = await views(changed);
  expect(await views(unchanged)).toEqual(steady);
  for (const shown of next.length === 0 ? steady : next) expect(shown.split("\n")).toContain(shows);
  for (const [index, shown] of left.entries()) {
    if (mode.mayMix) mode.mayMix(shown, number);
    else expect([old[index], next[index]], `${changed[index]} at call ${number}`).toContain(shown);
  }
  const site = command.at(command.indexOf("--site") + 1);
  const uid = command.includes("--site") ? site : mode.site;
  const record = await run(["site", "show", uid ?? "", "--json"]);
  if (record.code === 0) expect(JSON.parse(record.out)).toMatchObject({ owed: [] });
  else expect(record.out).toContain(done ?? "exit 0");
  return died;
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "sitefleet-calls-"));
  const ports = { edge: 0, edgeTls: 0, api: 0, s3: 0 };
  mirror = await startMirror({ stateDir: join(root, "state"), ports, clock: systemClock, pid: process.pid });
  visitors = new Agent({ connections: 16 });
  const variables = { SITEFLEET_STATE: join(root, "state") };
  const deployed = await runHere(["deploy", "apply"], { cwd: root, clock: systemClock, variables });
  expect(deployed.err).not.toContain("error");
  for (const number of [1, 2]) await edition(number);
});

afterAll(async () => {
  await Promise.all(gates.map((gate) => gate.close()));
  await visitors.close();
  await mirror.close();
  await rm(root, { recursive: true, force: true });
});

describe("whatever call a command dies at, each host is wholly old or wholly new, and the next run finishes", () => {
  test.for(MODES.map((make, index) => make(`cut${index}`)))("$name", async (mode) => {
    for (const args of mode.first ?? []) await succeeds(args);
    const state = `gated-${mode.site}`;
    const gate = await openGate(state);
    for (let number = 1; ; number += 1) {
      const died = await diesOnce(mode, number, async (command) => {
        gate.arm(number, "cut");
        const { code } = await run(command, state);
        gate.disarm();
        const isCut = gate.calls.length >= number;
        expect([isCut, code === 0], `${number}: ${gate.calls.join("\n")}`).toEqual([isCut, !isCut]);
        return isCut;
      });
      if (!died) break;
      expect(number).toBeLessThan(60);
    }
  });
});

describe("killed as `kill -9` does, a command leaves each host wholly old or wholly new, and the next run finishes", () => {
  // Which call: the tests before go through all of them.
  test.for(MODES.map((make, index) => ({ ...make(`kill${index}`), index })))("$name", async (row) => {
    const { index, ...mode } = row;
    for (const args of mode.first ?? []) await succeeds(args);
    const state = `killed-${mode.site}`;
    const gate = await openGate(state);
    const number = 3 + (index % 5);
    const died = await diesOnce(mode, 1, async (command) => {
      gate.arm(number, "hold");
      const { child, end } = startCli(command, { cwd: root, env: { SITEFLEET_STATE: join(root, state) } });
      const call = await Promise.race([gate.reached(), end]);
      if (typeof call !== "string") throw new Error(`not stopped: exit ${call.code}\n${call.err}`);
      child.kill("SIGKILL");
      expect((await end).code).toBe("SIGKILL");
      gate.disarm();
      return true;
    });
    expect(died).toBe(true);
  });
});
