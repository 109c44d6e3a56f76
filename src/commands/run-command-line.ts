import { readVersion } from "../lib/version.ts";
import type { ProcessSurroundings } from "./context.ts";
import { describeFailure } from "./failure.ts";
import { readInvocation } from "./program.ts";
import { createReport } from "./report.ts";

/** The process that a run is in, and where it speaks. */
export interface Surroundings extends ProcessSurroundings {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `err` is a terminal. */
  readonly live?: boolean;
  /** Columns of the terminal that `out` is; absent = it is none. */
  readonly width?: number | undefined;
}

/** Runs one command line (without node and script) and resolves to the exit code; it never rejects. */
export async function runCommandLine(argv: readonly string[], around: Surroundings): Promise<number> {
  const json = argv.includes("--json");
  const { signal } = around;
  let help: string | undefined;
  try {
    const invocation = await readInvocation(argv, await readVersion());
    if ("text" in invocation) {
      (invocation.exitCode === 0 ? around.out : around.err)(invocation.text);
      return invocation.exitCode;
    }
    help = invocation.help;
    // Loaded only now: help and usage errors need no settings.
    const { createContext } = await import("./create-context.ts");
    const report = createReport(around.out, around.err, {
      json,
      live: around.live ?? false,
      width: around.width,
    });
    const context = createContext({ ...around, flags: invocation.flags, report });
    return (await invocation.definition.run(context, invocation.input)) ?? 0;
  } catch (error) {
    const failure = describeFailure(error, { json, interrupted: signal.aborted, help });
    around.out(failure.out);
    around.err(failure.err);
    return failure.exitCode;
  }
}
