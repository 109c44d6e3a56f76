import { spawnSync } from "node:child_process";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MirrorFile } from "../src/settings/local.ts";
import { MIRROR_BUCKETS } from "../src/settings/local.ts";
import { ROOT } from "./project.ts";
import { findProgram, runProgram } from "./run-program.ts";
import type { ProgramRun } from "./run-program.ts";

export const OTHER_CACHE_CONTROL = "public, max-age=60";

/** What a program is to put where. */
export interface SyncOrder {
  readonly dir: string;
  /** Name of the site, or of the prefix in the bucket. */
  readonly site: string;
  /** Cache-Control other than before. */
  readonly cacheControl: boolean;
  /** Nothing is known on this machine of earlier publishes. */
  readonly fresh: boolean;
}

/** A program that makes S3 hold what a folder holds. */
export interface SyncTool {
  readonly name: string;
  run(order: SyncOrder): Promise<ProgramRun>;
}

/** A program that is not measured, and why. */
export interface AbsentTool {
  readonly name: string;
  readonly reason: string;
}

/** Ours first. */
export async function toolsFor(options: {
  readonly file: MirrorFile;
  readonly stateDir: string;
}): Promise<{ readonly tools: readonly SyncTool[]; readonly absent: readonly AbsentTool[] }> {
  const tools: SyncTool[] = [sitefleetTool(options.stateDir)];
  const absent: AbsentTool[] = [];
  for (const [name, make] of [
    ["s5cmd", s5cmdTool],
    ["rclone", rcloneTool],
  ] as const) {
    const program = findProgram(name);
    if (program === undefined) absent.push({ name, reason: "not on the PATH" });
    else tools.push(make(program, options.file));
  }
  return { tools, absent };
}

function sitefleetTool(stateDir: string): SyncTool {
  const cli = join(ROOT, "dist/cli.js");
  const help = spawnSync(process.execPath, [cli, "publish", "--help"], { encoding: "utf8" }).stdout;
  // Visitors have the release after the first pass of the purge; the other tools have no caches to fill.
  const flags = ["--no-wait", "--no-warm"].filter((flag) => help.includes(flag));
  return {
    name: "sitefleet",
    async run({ dir, site, cacheControl, fresh }) {
      if (fresh) await rm(join(stateDir, "cache"), { recursive: true, force: true });
      const headers = join(dir, "_headers");
      if (cacheControl) await writeFile(headers, `/*\n  Cache-Control: ${OTHER_CACHE_CONTROL}\n`);
      try {
        const args = ["publish", dir, "--site", site, "--domain", `${site}.localhost`, "--state", stateDir];
        return await runProgram(process.execPath, [cli, ...args, ...flags]);
      } finally {
        await rm(headers, { force: true });
      }
    },
  };
}

function s5cmdTool(program: string, { s3 }: MirrorFile): SyncTool {
  const variables = {
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    AWS_REGION: s3.region,
  };
  return {
    name: "s5cmd",
    run({ dir, site, cacheControl }) {
      const extra = cacheControl ? ["--cache-control", OTHER_CACHE_CONTROL] : [];
      const target = `s3://${MIRROR_BUCKETS.hosting}/s5cmd/${site}/`;
      const args = ["--endpoint-url", s3.url, "sync", "--delete", ...extra, `${dir}/`, target];
      return runProgram(program, args, variables);
    },
  };
}

function rcloneTool(program: string, { s3 }: MirrorFile): SyncTool {
  const variables = {
    RCLONE_CONFIG_BENCH_TYPE: "s3",
    RCLONE_CONFIG_BENCH_PROVIDER: "Other",
    RCLONE_CONFIG_BENCH_ENDPOINT: s3.url,
    RCLONE_CONFIG_BENCH_REGION: s3.region,
    RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: s3.accessKeyId,
    RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: s3.secretAccessKey,
    RCLONE_CONFIG_BENCH_FORCE_PATH_STYLE: "true",
    RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: "true",
    RCLONE_CONFIG: "/dev/null",
  };
  const tuned = ["--checksum", "--fast-list", "--transfers", "64", "--checkers", "64", "--quiet"];
  return {
    name: "rclone",
    run({ dir, site, cacheControl }) {
      const extra = cacheControl ? ["--header-upload", `Cache-Control: ${OTHER_CACHE_CONTROL}`] : [];
      const target = `bench:${MIRROR_BUCKETS.hosting}/rclone/${site}`;
      return runProgram(program, ["sync", ...tuned, ...extra, dir, target], variables);
    },
  };
}
