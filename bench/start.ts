import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, deploy } from "./fleet.ts";
import type { MirrorFile } from "../src/settings/local.ts";
import { ROOT } from "./project.ts";
import { load, spread } from "./statistics.ts";

const ROUNDS = 7;
const CLI = join(ROOT, "dist/cli.js");
const FREE_PORTS = ["--edge-port", "0", "--edge-tls-port", "0", "--api-port", "0", "--s3-port", "0"];

/** From the start of the process to the line that says it is ready, as built: `mirror up` and `--help`. */
export async function measureStart(): Promise<object> {
  const loadBefore = load();
  const empty: number[] = [];
  const deployed: number[] = [];
  const help: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const stateDir = await mkdtemp(join(tmpdir(), "sitefleet-bench-"));
    try {
      help.push(await timeHelp());
      empty.push(await timeMirror(stateDir, deployTo));
      deployed.push(await timeMirror(stateDir, () => Promise.resolve()));
    } finally {
      await rm(stateDir, { recursive: true, force: true });
    }
  }
  return {
    load: [loadBefore, load()],
    unit: "ms",
    mirrorUpNewState: spread(empty),
    mirrorUpDeployedState: spread(deployed),
    help: spread(help),
    aim: { mirrorUp: 1_000 },
  };
}

async function deployTo(file: MirrorFile): Promise<void> {
  const connection = connect(file);
  await deploy(connection);
  await connection.close();
}

/** Starts a mirror, uses it, stops it; resolves with the milliseconds until its ready line. */
async function timeMirror(stateDir: string, use: (file: MirrorFile) => Promise<void>): Promise<number> {
  const args = ["mirror", "up", "--json", "--state", stateDir, ...FREE_PORTS];
  const startedMs = performance.now();
  const child = spawn(process.execPath, [CLI, ...args], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  try {
    const line = await new Promise<string>((resolve, reject) => {
      let text = "";
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
        if (isJson(text)) resolve(text);
      });
      child.once("exit", (code) => reject(new Error(`the mirror ended with ${code}`)));
    });
    const tookMs = performance.now() - startedMs;
    await use(JSON.parse(line) as MirrorFile);
    return tookMs;
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

async function timeHelp(): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, [CLI, "--help"], { stdio: "ignore" });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  if (code !== 0) throw new Error(`--help ended with ${String(code)}`);
  return performance.now() - startedMs;
}
