import { spawn } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** One run of a program, from its start to its end. */
export interface ProgramRun {
  readonly ms: number;
  /** The most memory it ever had; 0 where the system does not tell. */
  readonly peakRssMb: number;
}

/** Path of a program on this machine; `undefined` when it is not there. */
export function findProgram(name: string): string | undefined {
  return (process.env["PATH"] ?? "")
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs a program to its end; rejects with what it said when it fails. */
export function runProgram(
  program: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<ProgramRun> {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const child = spawn(program, [...args], {
      env: { ...process.env, ...variables },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let peakRssMb = 0;
    const look = (): void => void (peakRssMb = Math.max(peakRssMb, peakOf(child.pid)));
    const timer = setInterval(look, 5);
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
    child.on("error", reject);
    child.on("close", (code) => {
      clearInterval(timer);
      const ms = performance.now() - startedMs;
      if (code === 0) resolve({ ms, peakRssMb });
      else reject(new Error(`${program} ${args.join(" ")} ended with ${code}: ${said}`));
    });
  });
}

/** Linux keeps the highest mark of each process's memory. */
function peakOf(pid: number | undefined): number {
  try {
    const kilobytes = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return Math.round(Number(kilobytes ?? 0) / 1024);
  } catch {
    // It has ended, or the system has no such files.
    return 0;
  }
}
