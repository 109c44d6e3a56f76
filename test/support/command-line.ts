import { runCommandLine } from "../../src/commands/run-command-line.ts";
import type { StandardInput } from "../../src/commands/standard-input.ts";
import type { Clock } from "../../src/lib/clock.ts";

export interface CommandEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Standard input that holds a text and at which nobody sits. */
export function inputOf(text: string): StandardInput {
  return {
    isTerminal: false,
    readText: () => Promise.resolve(text),
    ask: () => Promise.reject(new Error("nobody is there to be asked")),
    askHidden: () => Promise.reject(new Error("nobody is there to be asked")),
  };
}

/** Runs a command line in this process, with everything that the real one has around it. */
export async function runHere(
  argv: readonly string[],
  around: {
    readonly cwd: string;
    readonly clock: Clock;
    readonly variables?: Readonly<Record<string, string>>;
    /** What is on standard input; no terminal. */
    readonly input?: string;
  },
): Promise<CommandEnd> {
  const said = { out: "", err: "" };
  const code = await runCommandLine(argv, {
    cwd: around.cwd,
    variables: around.variables ?? {},
    clock: around.clock,
    pid: process.pid,
    signal: new AbortController().signal,
    input: inputOf(around.input ?? ""),
    out: (text) => void (said.out += text),
    err: (text) => void (said.err += text),
  });
  return { code, ...said };
}
