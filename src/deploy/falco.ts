import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { ServiceContent } from "./service-content.ts";
import { declarations } from "./lint.ts";

/** What falco said: not there, or its exit code and words. */
export type FalcoOutcome =
  | { readonly ran: false; readonly reason: string }
  | { readonly ran: true; readonly ok: boolean; readonly output: string };

const LONGEST_OUTPUT = 200_000;
const TIMEOUT_MS = 60_000;

/**
 * Runs `falco lint` over the rendered files where falco is on the PATH; it gets nothing else of the environment.
 * @see https://github.com/ysugimoto/falco
 */
export async function runFalco(
  content: ServiceContent,
  options: { readonly path: string; readonly signal: AbortSignal },
): Promise<FalcoOutcome> {
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-lint-"));
  try {
    for (const file of content.vcls) {
      const text = file.main ? `${declarations(content)}${file.content}` : file.content;
      await writeFile(join(dir, file.main ? "main.vcl" : encodeURIComponent(file.name)), text);
    }
    return await runTool({ dir, ...options });
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function runTool(run: {
  readonly dir: string;
  readonly path: string;
  readonly signal: AbortSignal;
}): Promise<FalcoOutcome> {
  return new Promise((resolve, reject) => {
    const child = spawn("falco", ["lint", "-I", run.dir, join(run.dir, "main.vcl")], {
      cwd: run.dir,
      env: { PATH: run.path },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: TIMEOUT_MS,
      signal: run.signal,
    });
    let output = "";
    const collect = (chunk: Buffer): void => {
      if (output.length < LONGEST_OUTPUT) output += chunk.toString("utf8");
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => {
      if (isMissing(error)) resolve({ ran: false, reason: "falco is not on the PATH" });
      else reject(error);
    });
    child.on("close", (code) => {
      if (code === null) resolve({ ran: true, ok: false, output: `${output}\nfalco was stopped` });
      else resolve({ ran: true, ok: code === 0, output });
    });
  });
}

const missing = z.object({ code: z.literal("ENOENT") });

function isMissing(error: Error): boolean {
  return missing.safeParse(error).success;
}
