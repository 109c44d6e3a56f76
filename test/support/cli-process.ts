import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { mirrorFileSchema } from "../../src/settings/local.ts";
import type { MirrorFile } from "../../src/settings/local.ts";

/** The checkout that is tested. */
export const CHECKOUT = fileURLToPath(new URL("../../", import.meta.url));

const CLI = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));

/** Variables with which the program sends a purge's second pass at once: see brief-waits.cjs. */
export const BRIEF_WAITS = {
  NODE_OPTIONS: `--require=${fileURLToPath(new URL("brief-waits.cjs", import.meta.url))}`,
};

/** Where and with which variables a process runs; it gets nothing of this process's environment but PATH. */
export interface ProcessPlace {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The built program; default: that of this checkout. */
  readonly cli?: string;
}

export interface ProcessEnd {
  /** Exit code, or the signal that ended it. */
  readonly code: number | NodeJS.Signals;
  readonly out: string;
  readonly err: string;
}

export interface RunningProcess {
  readonly child: ChildProcess;
  readonly end: Promise<ProcessEnd>;
}

/** Starts a program; what it says is kept. */
export function startProcess(
  command: string,
  args: readonly string[],
  { cwd, env = {} }: ProcessPlace,
): RunningProcess {
  const said = { out: "", err: "" };
  const path = `${dirname(process.execPath)}:${process.env["PATH"] ?? ""}`;
  const child = spawn(command, [...args], {
    cwd,
    env: { PATH: path, HOME: cwd, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.err += text));
  const end = new Promise<ProcessEnd>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ ...said, code: code ?? signal ?? "SIGKILL" }));
  });
  return { child, end };
}

/** Starts `sitefleet ARGS` as a process of its own, from the build. */
export function startCli(args: readonly string[], place: ProcessPlace): RunningProcess {
  const cli = place.cli ?? CLI;
  if (!existsSync(cli)) throw new Error(`${cli} is not there: \`npm run build\` comes before these tests`);
  return startProcess(process.execPath, [cli, ...args], place);
}

export function runCli(args: readonly string[], place: ProcessPlace): Promise<ProcessEnd> {
  return startCli(args, place).end;
}

export interface MirrorProcess {
  readonly file: MirrorFile;
  readonly child: ChildProcess;
  /** What it said, once it has ended. */
  readonly end: Promise<ProcessEnd>;
  /** Ends it as Ctrl-C does. */
  stop(): Promise<ProcessEnd>;
}

/** Ports of a mirror; 0 is any free one. */
export interface PortFlags {
  readonly edge: number;
  readonly edgeTls: number;
  readonly api: number;
  readonly s3: number;
}

export const FREE_PORTS: PortFlags = { edge: 0, edgeTls: 0, api: 0, s3: 0 };

/** Starts `mirror up --json` and waits for the line that says it is ready. */
export async function startMirrorProcess(
  place: ProcessPlace,
  args: readonly string[] = [],
  ports: PortFlags = FREE_PORTS,
): Promise<MirrorProcess> {
  const flags = Object.entries({
    "--edge-port": ports.edge,
    "--edge-tls-port": ports.edgeTls,
    "--api-port": ports.api,
    "--s3-port": ports.s3,
  }).flatMap(([flag, port]) => [flag, String(port)]);
  const { child, end } = startCli(["mirror", "up", "--json", ...flags, ...args], place);
  const line = await Promise.race([firstLine(child), end]);
  if (typeof line !== "string") throw new Error(`mirror up ended with ${line.code}: ${line.err}`);
  return {
    file: mirrorFileSchema.parse(JSON.parse(line)),
    child,
    end,
    stop() {
      child.kill("SIGINT");
      return end;
    },
  };
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    child.stdout?.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")));
    });
  });
}

/** Ports of a mirror that runs, to start another one in its place. */
export function portsOf(file: MirrorFile): PortFlags {
  const port = (url: string): number => Number(new URL(url).port);
  return {
    edge: port(file.edge.http),
    edgeTls: port(file.edge.https),
    api: port(file.api.url),
    s3: port(file.s3.url),
  };
}
