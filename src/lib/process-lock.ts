import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { isErrno } from "./caught.ts";

/** A lock that only one live process can hold; `release` gives it back, and the holder's death frees it too. */
export interface ProcessLock {
  release(): Promise<void>;
}

/** Who holds the lock that could not be had. */
export interface LockHolder {
  readonly pid: number;
}

interface LockFile {
  readonly pid: number;
  /** Start time in clock ticks since boot where the system tells it, so that a reused pid is not taken for the holder. */
  readonly started: string;
}

/**
 * Takes the lock file at `path`: a hard link to a finished file makes it appear whole or not at all.
 * A file whose process is gone (killed, power lost) is taken over.
 */
export async function takeProcessLock(path: string, pid: number): Promise<ProcessLock | LockHolder> {
  const mine = JSON.stringify({ pid, started: await readStartTime(pid) } satisfies LockFile);
  const temporary = `${path}.${pid}.${randomBytes(4).toString("hex")}`;
  await writeFile(temporary, mine, { flag: "wx" });
  try {
    for (let attempt = 0; attempt < 3; attempt += 1) {
      if (await tryLink(temporary, path)) return { release: () => rm(path, { force: true }) };
      const holder = await readHolder(path);
      if (holder && (await isAlive(holder))) return { pid: holder.pid };
      await rm(path, { force: true });
    }
    return { pid: 0 };
  } finally {
    await rm(temporary, { force: true });
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, "EEXIST")) return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<LockFile | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(path, "utf8"));
    if (typeof value !== "object" || value === null || !("pid" in value) || !("started" in value))
      return undefined;
    return typeof value.pid === "number" && typeof value.started === "string"
      ? { pid: value.pid, started: value.started }
      : undefined;
  } catch (error) {
    if (isErrno(error, "ENOENT") || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function isAlive(holder: LockFile): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return !isErrno(error, "ESRCH");
  }
  const started = await readStartTime(holder.pid);
  return started === "" || holder.started === "" || started === holder.started;
}

/** Field 22 of /proc/<pid>/stat (proc(5)); empty where there is no /proc. */
async function readStartTime(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch (error) {
    if (isErrno(error, "ENOENT") || isErrno(error, "ESRCH") || isErrno(error, "EACCES")) return "";
    throw error;
  }
}
