import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isErrno, messageOf } from "../../lib/caught.ts";
import { readFalcoAnswer } from "./falco-answer.ts";
import type { MergedLine } from "./falco-answer.ts";
import { declarations, lintedFiles, macroName } from "./lint.ts";
import type { LintedService } from "./lint.ts";
import type { LintFinding } from "./finding.ts";
import type { SentFile } from "../apply/vcl-message.ts";

/** What falco said: not there, no answer that can be read, or its findings. */
export type FalcoOutcome =
  | { readonly ran: false; readonly reason: string }
  | { readonly ran: true; readonly findings: readonly LintFinding[] };

const LONGEST_OUTPUT = 64_000_000;
const TIMEOUT_MS = 60_000;
const STOPPED = "falco was stopped: it took too long or said too much";

/**
 * Runs `falco lint` over the rendered files where falco is on the PATH; it gets nothing else of the environment.
 * @see https://github.com/ysugimoto/falco
 */
export async function runFalco(
  service: LintedService,
  options: { readonly path: string; readonly signal: AbortSignal },
): Promise<FalcoOutcome> {
  const dir = await mkdtemp(join(tmpdir(), "sitefleet-lint-"));
  try {
    const files = lintedFiles(service);
    const merged = mergeMain(service, files);
    await writeFile(join(dir, MAIN), merged.text);
    const others = files.filter(({ name }) => name !== merged.main?.name);
    for (const { name, content } of others) await writeFile(join(dir, encodeURIComponent(name)), content);
    const answer = await runTool({ dir, ...options });
    if ("reason" in answer) return { ran: false, reason: answer.reason };
    return { ran: true, findings: readFalcoAnswer(answer.output, merged.lines) };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

const MAIN = "main.vcl";

/** What Fastly would add stands in the text itself: objects first, snippets behind their macros. */
function mergeMain(
  { content }: LintedService,
  files: readonly SentFile[],
): { readonly main: SentFile | undefined; readonly text: string; readonly lines: readonly MergedLine[] } {
  const mainName = content.vcls.find((file) => file.main)?.name;
  const main = files.find(({ name }) => name === mainName);
  const rows: (MergedLine & { readonly text: string })[] = [];
  const put = (text: string, file: SentFile | undefined): void => {
    for (const [index, row] of text.replace(/\n$/, "").split("\n").entries()) {
      rows.push({ text: row, file, line: index + 1 });
    }
  };
  const named = (type: string): SentFile | undefined => files.find(({ name }) => name === macroName(type));
  put(declarations(content), undefined);
  const init = named("init");
  if (init) put(init.content, init);
  for (const [index, text] of (main?.content ?? "").replace(/\n$/, "").split("\n").entries()) {
    rows.push({ text, file: main, line: index + 1 });
    const snippets = named(/^\s*#FASTLY\s+(\w+)/i.exec(text)?.[1]?.toLowerCase() ?? "");
    if (snippets) put(snippets.content, snippets);
  }
  return { main, text: `${rows.map(({ text }) => text).join("\n")}\n`, lines: rows };
}

function runTool(run: {
  readonly dir: string;
  readonly path: string;
  readonly signal: AbortSignal;
}): Promise<{ readonly reason: string } | { readonly output: string }> {
  return new Promise((resolve, reject) => {
    // Not `timeout` of spawn: where there is no falco its timer would keep this process alive to its end.
    const limit = AbortSignal.timeout(TIMEOUT_MS);
    const child = spawn("falco", ["lint", "-json", "-I", run.dir, join(run.dir, MAIN)], {
      cwd: run.dir,
      env: { PATH: run.path },
      stdio: ["ignore", "pipe", "ignore"],
      signal: AbortSignal.any([run.signal, limit]),
    });
    const chunks: Buffer[] = [];
    let length = 0;
    child.stdout.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= LONGEST_OUTPUT) chunks.push(chunk);
      else child.kill();
    });
    child.on("error", (error) => {
      if (isErrno(error, "ENOENT")) resolve({ reason: "falco is not on the PATH" });
      else if (isErrno(error, "EACCES")) resolve({ reason: `falco cannot be run: ${messageOf(error)}` });
      else if (limit.aborted && !run.signal.aborted) resolve({ reason: STOPPED });
      else reject(error);
    });
    child.on("close", (code) => {
      if (code === null) resolve({ reason: STOPPED });
      else resolve({ output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}
