import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/**
 * The CLI's program itself: the launcher of its package is one more Node process for each call. Where the package of
 * this platform is missing, the path leads nowhere, and running it says so.
 */
function findProgram(): string {
  const own = createRequire(import.meta.url).resolve("@fastly/cli/fastly.js");
  const name = `@fastly/cli-${process.platform}-${process.arch}`;
  const file = process.platform === "win32" ? "fastly.exe" : "fastly";
  return join(dirname(own), "..", "..", name, file);
}

const program = findProgram();

/** An API that the official CLI talks to, and a home of its own. */
export interface FastlyCliPlace {
  readonly home: string;
  readonly endpoint: string;
  readonly token: string;
  /** Further variables of its environment. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** Runs the official Fastly CLI, unmodified, with every endpoint pointed at the given API. */
export async function runFastlyCli(
  { home, endpoint, token, variables }: FastlyCliPlace,
  args: readonly string[],
): Promise<{ readonly code: number; readonly out: string }> {
  return new Promise((resolve) => {
    const env = {
      HOME: home,
      PATH: dirname(process.execPath),
      FASTLY_API_ENDPOINT: endpoint,
      FASTLY_ACCOUNT_ENDPOINT: endpoint,
      FASTLY_API_TOKEN: token,
      // Whatever else it might ask for on the network ends at a closed port.
      HTTPS_PROXY: "http://127.0.0.1:9",
      ...variables,
    };
    execFile(
      program,
      [...args, "--non-interactive"],
      { env, cwd: home, timeout: 60_000 },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), out: `${stdout}${stderr}` });
      },
    );
  });
}

/** Whether the CLI runs here (it downloads its binary when it is installed); says on stderr why it does not. */
export async function hasFastlyCli(): Promise<boolean> {
  const home = await mkdtemp(join(tmpdir(), "sitefleet-"));
  try {
    const run = await runFastlyCli({ home, endpoint: "http://127.0.0.1:9", token: "none" }, ["version"]);
    if (run.code === 0) return true;
    const why = run.out.trim().split("\n").at(-1) || `exit code ${run.code}`;
    process.stderr.write(`skipped: the Fastly CLI does not run here: ${why}\n`);
    return false;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** Runs all, so many at a time: for calls whose order does not matter. */
export async function runTogether(calls: readonly (() => Promise<unknown>)[], atOnce = 4): Promise<void> {
  const waiting = [...calls];
  const work = async (): Promise<void> => {
    for (let call = waiting.shift(); call !== undefined; call = waiting.shift()) await call();
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}
