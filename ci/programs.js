// Programs that the pipeline runs: their output is shown or read, and a signal to stop reaches each of them once.
import { execFile, spawn } from "node:child_process";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
export const CLI = join(ROOT, "dist", "cli.js");

/** Exit codes as those of sitefleet (docs/errors.md). */
export const EXIT = { failed: 1, usage: 2, changedMeanwhile: 6, interrupted: 130 };

/** A step that failed. */
export class StepFailure extends Error {
  /** @param {string} message @param {number} code exit code of the whole */
  constructor(message, code) {
    super(message);
    this.code = code;
  }
}

/** A command line that is none. */
export class UseFailure extends Error {}

/** Programs that run, and whether others need them. @type {Map<import("node:child_process").ChildProcess, boolean>} */
const running = new Map();

let signals = 0;

/** Between two programs nothing is there to be stopped: the second is not begun. */
function refuseInterrupted() {
  if (signals > 0) throw new StepFailure("interrupted", EXIT.interrupted);
}

/**
 * Runs a program with its output shown; secrets reach it through variables, never as arguments.
 * @param {string} command @param {readonly string[]} args
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [place]
 */
export async function run(command, args, { cwd = ROOT, env = process.env } = {}) {
  const title = [command, ...args].join(" ").replace(process.execPath, "node").replace(`${ROOT}/`, "");
  process.stderr.write(`\n> ${title}\n`);
  const child = start(command, args, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
  const code = await new Promise((done, failed) => {
    child.once("error", failed);
    child.once("close", (exit) => done(exit ?? EXIT.failed));
  });
  if (code !== 0) throw new StepFailure(`${title} ended with ${code}`, signals > 0 ? EXIT.interrupted : code);
}

/**
 * Starts a program in a process group of its own: a Ctrl-C at a terminal then reaches sitefleet once, from here, and not a
 * second time, which would make it leave its work where it stands.
 * @template {import("node:child_process").StdioOptions} S
 * @param {string} command @param {readonly string[]} args
 * @param {{ cwd: string, env?: Record<string, string | undefined>, stdio: S, isServer?: boolean }} how
 */
export function start(command, args, { isServer = false, ...how }) {
  refuseInterrupted();
  const child = spawn(command, args, { ...how, detached: true });
  running.set(child, isServer);
  child.once("close", () => running.delete(child));
  return child;
}

/** @param {readonly string[]} args @param {{ cwd?: string, env?: Record<string, string | undefined> }} [place] */
export function sitefleet(args, place) {
  return run(process.execPath, [CLI, ...args], place);
}

/**
 * What a command of sitefleet prints with `--json`.
 * @param {readonly string[]} args @param {{ cwd: string, env?: Record<string, string | undefined> }} place
 */
export async function ask(args, { cwd, env = process.env }) {
  refuseInterrupted();
  try {
    const options = { cwd, env, maxBuffer: 64 * 1024 * 1024 };
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args, "--json"], options);
    return JSON.parse(stdout);
  } catch (error) {
    // Why it failed stands in what it said; the message of execFile has the whole command line besides.
    if (typeof error.code !== "number") throw error;
    throw new StepFailure(
      `${["sitefleet", ...args].join(" ")} ended with ${error.code}\n${error.stderr.trim()}`,
      error.code,
    );
  }
}

/** A path as people type it. @param {string} path */
export function shown(path) {
  return relative(process.cwd(), path);
}

/**
 * Hands signals to stop on. Programs end their work in order, and what they need for that stays until they have; at a
 * second signal all end at once. This process ends when they have. A terminal that closes says so twice (SIGHUP), and
 * asks for one thing all the same.
 */
export function stopOnSignals() {
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"])) {
    process.on(signal, () => {
      if (signal === "SIGHUP" && signals > 0) return;
      signals += 1;
      for (const [child, isServer] of running) {
        const isThere = child.pid !== undefined && child.exitCode === null && child.signalCode === null;
        if (isThere && (signals > 1 || !isServer)) process.kill(-child.pid, "SIGINT");
      }
    });
  }
  // Each write to a terminal that is gone fails; the programs end in order all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}
