// What continuous integration does with a change of the edge, for any CI: .github/workflows/deploy.yml calls only this, and
// docs/production.md describes it. Plain JavaScript, so that it runs before anything is built.
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const USAGE = `usage: node ci/pipeline.js STEP [options]

  checks         format, lint, layers, types, build, tests
  pull-request   checks; plan of every stage; the conformance cases on a mirror that runs the change
  merge          deploy to the first stage and verify it
  release        deploy to every stage, each verified before the next

  --built          check, build and test nothing: it was done before
  --through NAME   last stage of merge (test)
  --report FILE    write plans, proof and outcome there (plan.md)
  --mirrors DIR    state folders of the mirrors that stand in where there is no Fastly token (.mirrors)

Without FASTLY_API_TOKEN, or one for a stage, mirrors are the stages; their state is kept for the next run.
`;

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const CLI = join(ROOT, "dist", "cli.js");
const SETTINGS = /^sitefleet\.config\.(ts|js|mjs|json)$/;
/** The settings with the stages on mirrors; beside the real ones, from where the team's folder is named. */
const MOVED = "sitefleet.mirrors.json";

/** A step that failed and has said why. */
class StepFailure extends Error {
  /** @param {string} step @param {number} code */
  constructor(step, code) {
    super(`${step} ended with ${code}`);
    this.code = code;
  }
}

/** A command line that is none. */
class UseFailure extends Error {}

/** @type {Set<import("node:child_process").ChildProcess>} */
const running = new Set();

/**
 * Runs a program with its output shown; secrets reach it through variables, never as arguments.
 * @param {string} command @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [place]
 */
async function run(command, args, { cwd = ROOT, env = process.env } = {}) {
  const title = [command, ...args].join(" ").replace(process.execPath, "node").replace(`${ROOT}/`, "");
  process.stderr.write(`\n> ${title}\n`);
  const child = spawn(command, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
  running.add(child);
  const code = await new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (exit) => done(exit ?? 1));
  });
  running.delete(child);
  if (code !== 0) throw new StepFailure(title, code);
}

/** @param {readonly string[]} args @param {{ cwd?: string, env?: Record<string, string | undefined> }} [place] */
function sitefleet(args, place) {
  return run(process.execPath, [CLI, ...args], place);
}

/**
 * What a command of sitefleet prints with `--json`.
 * @param {readonly string[]} args @param {string} cwd
 */
async function ask(args, cwd) {
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args, "--json"], {
    cwd,
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout);
}

/**
 * Starts a mirror on a state folder and resolves when it is up. Its ports are those of the last run: backends name them,
 * and others would be a change to deploy.
 * @param {string} state @returns {Promise<() => Promise<void>>} stops it
 */
async function startMirror(state) {
  await mkdir(state, { recursive: true });
  const ports = await readPorts(state);
  const flags = Object.entries(ports).flatMap(([name, port]) => [`--${name}`, String(port)]);
  const args = [CLI, "mirror", "up", "--json", "--state", state, ...flags];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  running.add(child);
  const ended = new Promise((done) => child.once("close", done));
  const line = await Promise.race([firstLine(child.stdout), ended.then(() => undefined)]);
  if (line === undefined) throw new Error(`the mirror on ${state} did not start`);
  await writePorts(state, JSON.parse(line));
  return async () => {
    child.kill("SIGINT");
    await ended;
    running.delete(child);
  };
}

/** @param {import("node:stream").Readable} stream @returns {Promise<string>} */
function firstLine(stream) {
  return new Promise((done) => {
    let text = "";
    stream.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
      if (text.includes("\n")) done(text.slice(0, text.indexOf("\n")));
    });
  });
}

/** @param {string} state @returns {Promise<Record<string, number>>} */
async function readPorts(state) {
  const any = { "edge-port": 0, "edge-tls-port": 0, "api-port": 0, "s3-port": 0, "inspector-port": 0 };
  try {
    return { ...any, ...JSON.parse(await readFile(join(state, "ports.json"), "utf8")) };
  } catch (error) {
    if (error.code === "ENOENT") return any;
    throw error;
  }
}

/** @param {string} state @param {{ edge: { http: string, https: string }, api: { url: string }, s3: { url: string } }} file */
async function writePorts(state, { edge, api, s3 }) {
  const urls = {
    "edge-port": edge.http,
    "edge-tls-port": edge.https,
    "api-port": api.url,
    "s3-port": s3.url,
  };
  const ports = Object.entries(urls).map(([name, url]) => [name, Number(new URL(url).port)]);
  await writeFile(join(state, "ports.json"), JSON.stringify(Object.fromEntries(ports)));
}

/** Whether any stage is a real one. */
function hasToken() {
  return Object.entries(process.env).some(
    ([name, value]) => name.startsWith("FASTLY_API_TOKEN") && value !== undefined && value !== "",
  );
}

/**
 * Runs work with the stages: the real ones, or mirrors in their place.
 * @param {{ mirrors: string }} options
 * @param {(stages: { cwd: string, flags: readonly string[], env: Record<string, string | undefined> }) => Promise<void>} work
 */
async function withStages({ mirrors }, work) {
  if (hasToken()) return work({ cwd: ROOT, flags: [], env: process.env });
  process.stderr.write("no Fastly token: two mirrors are the stages\n");
  const states = { test: join(mirrors, "test"), production: join(mirrors, "production") };
  const stops = [];
  try {
    for (const state of Object.values(states)) stops.push(await startMirror(state));
    const cwd = await settingsFolder(mirrors);
    const places = Object.entries(states).map(([name, state]) => `${name}=${state}`);
    const { variables } = await ask(["mirror", "settings", ...places, "--out", MOVED, "--force"], cwd);
    await work({ cwd, flags: ["--config", MOVED, "--create"], env: { ...process.env, ...variables } });
  } finally {
    for (const stop of stops) await stop();
  }
}

/** The folder with the team's settings; without any, one with settings made for the purpose. @param {string} mirrors */
async function settingsFolder(mirrors) {
  if ((await readdir(ROOT)).some((name) => SETTINGS.test(name))) return ROOT;
  const answers = ["--domain", "sites.localhost", "--region", "us-east-1", "--buckets", "pipeline"];
  await ask(["init", ...answers, "--force"], mirrors);
  return mirrors;
}

async function checks() {
  await run("npm", ["run", "check"]);
  await run("npm", ["run", "build"]);
  await run("npx", ["vitest", "run"]);
}

/** @param {{ mirrors: string, report: string }} options */
async function pullRequest(options) {
  // The report comes first: it is of use whatever the cases say.
  await withStages(options, ({ flags, ...place }) =>
    sitefleet(["deploy", "ship", "--dry-run", ...flags, "--report", options.report], place),
  );
  await summarize(options.report);
  await conformance(join(options.mirrors, "change"));
}

/** A mirror that runs the change and nothing else; deploying to it runs every case. @param {string} state */
async function conformance(state) {
  await rm(state, { recursive: true, force: true });
  const stop = await startMirror(state);
  try {
    await sitefleet(["lint", "--state", state]);
    await sitefleet(["deploy", "apply", "--state", state]);
  } finally {
    await stop();
    await rm(state, { recursive: true, force: true });
  }
}

/** @param {{ mirrors: string, report: string }} options @param {readonly string[]} through */
async function deploy(options, through) {
  try {
    await withStages(options, ({ flags, ...place }) =>
      sitefleet(["deploy", "ship", ...through, ...flags, "--report", options.report], place),
    );
  } finally {
    await summarize(options.report);
  }
}

/** Shows the report on the run's own page, where the CI has one. @param {string} report */
async function summarize(report) {
  const page = process.env["GITHUB_STEP_SUMMARY"];
  if (page === undefined || page === "") return;
  if (existsSync(report)) await appendFile(page, await readFile(report, "utf8"));
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      built: { type: "boolean", default: false },
      through: { type: "string", default: "test" },
      report: { type: "string", default: "plan.md" },
      mirrors: { type: "string", default: ".mirrors" },
    },
  });
  const options = { mirrors: resolve(values.mirrors), report: resolve(values.report) };
  const [step, ...rest] = positionals;
  if (rest.length > 0) throw new UseFailure(`one step at a time: ${positionals.join(" ")}`);
  await mkdir(options.mirrors, { recursive: true });
  await rm(options.report, { force: true });
  switch (step) {
    case "checks":
      return checks();
    case "pull-request":
      if (!values.built) await checks();
      return pullRequest(options);
    case "merge":
      if (!values.built) await run("npm", ["run", "build"]);
      return deploy(options, ["--through", values.through]);
    case "release":
      if (!values.built) await run("npm", ["run", "build"]);
      return deploy(options, []);
    default:
      throw new UseFailure(step === undefined ? "which step?" : `no step "${step}"`);
  }
}

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.once(signal, () => {
    // Each ends its work in order; this process ends when they have.
    for (const child of running) child.kill("SIGINT");
    process.exitCode = 130;
  });
}

try {
  await main();
} catch (error) {
  const isUse = error instanceof UseFailure || String(error.code).startsWith("ERR_PARSE_ARGS");
  process.stderr.write(`\n${isUse ? `${error.message}\n\n${USAGE}` : `failed: ${error.message}\n`}`);
  process.exitCode = error instanceof StepFailure ? error.code : isUse ? 2 : 1;
}
