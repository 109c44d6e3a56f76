import { runCommandLine } from "../../src/commands/run-command-line.ts";
import type { Clock } from "../../src/lib/clock.ts";

export interface CommandEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process, with everything that the real one has around it. */
export async function runHere(
  argv: readonly string[],
  around: {
    readonly cwd: string;
    readonly clock: Clock;
    readonly variables?: Readonly<Record<string, string>>;
  },
): Promise<CommandEnd> {
  const said = { out: "", err: "" };
  const code = await runCommandLine(argv, {
    cwd: around.cwd,
    variables: around.variables ?? {},
    clock: around.clock,
    pid: process.pid,
    signal: new AbortController().signal,
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  });
  return { code, ...said };
}
