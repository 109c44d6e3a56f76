// Where the stages of a pipeline are: the real ones, or mirrors in their place.
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CLI, EXIT, ROOT, StepFailure, ask, start } from "./programs.js";

const SETTINGS = /^sitefleet\.config\.(ts|js|mjs|json)$/;
/** The settings with the stages on mirrors; beside the real ones, from where the team's folder is named. */
const MOVED = "sitefleet.mirrors.json";

/**
 * Starts a mirror on a state folder and resolves when it is up. Its ports are those of the last run: backends name them,
 * and others would be a change to deploy.
 * @param {string} state @returns {Promise<() => Promise<void>>} stops it
 */
export async function startMirror(state) {
  await mkdir(state, { recursive: true });
  const ports = await readPorts(state);
  const flags = Object.entries(ports).flatMap(([name, port]) => [`--${name}`, String(port)]);
  const args = [CLI, "mirror", "up", "--json", "--state", state, ...flags];
  const child = start(process.execPath, args, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
    isServer: true,
  });
  const ended = new Promise((done) => child.once("close", done));
  const line = await Promise.race([firstLine(child.stdout), ended.then(() => undefined)]);
  if (line === undefined) throw new StepFailure(`the mirror on ${state} did not start`, EXIT.failed);
  await writePorts(state, JSON.parse(line));
  return async () => {
    child.kill("SIGINT");
    await ended;
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
 * Where the stages are.
 * @typedef {{
 *   place: { cwd: string, env: Record<string, string | undefined> },
 *   config: readonly string[],
 *   create: readonly string[],
 * }} Stages flags of every command, and of those that may make what is missing
 */

/**
 * Runs work with the stages: the real ones, or mirrors in their place.
 * @param {{ mirrors: string }} options @param {(stages: Stages) => Promise<void>} work
 */
export async function withStages({ mirrors }, work) {
  if (hasToken()) return work({ place: { cwd: ROOT, env: process.env }, config: [], create: [] });
  process.stderr.write("no Fastly token: two mirrors are the stages\n");
  const states = { test: join(mirrors, "test"), production: join(mirrors, "production") };
  const started = await Promise.allSettled(Object.values(states).map(startMirror));
  try {
    for (const one of started) if (one.status === "rejected") throw one.reason;
    const cwd = await settingsFolder(mirrors);
    const places = Object.entries(states).map(([name, state]) => `${name}=${state}`);
    const { variables } = await ask(["mirror", "settings", ...places, "--out", MOVED, "--force"], { cwd });
    const place = { cwd, env: { ...process.env, ...variables } };
    await work({ place, config: ["--config", MOVED], create: ["--create"] });
  } finally {
    await Promise.all(started.map(async (one) => one.status === "fulfilled" && one.value()));
  }
}

/** The folder with the team's settings; without any, one with settings made for the purpose. @param {string} mirrors */
async function settingsFolder(mirrors) {
  if ((await readdir(ROOT)).some((name) => SETTINGS.test(name))) return ROOT;
  const answers = ["--domain", "sites.localhost", "--region", "us-east-1", "--buckets", "pipeline"];
  await ask(["init", ...answers, "--force"], { cwd: mirrors });
  return mirrors;
}
