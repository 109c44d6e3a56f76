import type { Clock } from "../lib/clock.ts";
import { readVersion } from "../lib/version.ts";
import type { Variables } from "../settings/environment.ts";
import { describeFailure } from "./failure.ts";
import { readInvocation } from "./program.ts";
import { createReport } from "./report.ts";
import type { StandardInput } from "./standard-input.ts";

/** What a run has of the process it runs in. */
export interface Surroundings {
  readonly cwd: string;
  readonly variables: Variables;
  readonly clock: Clock;
  readonly pid: number;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  readonly input: StandardInput;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Whether `err` is a terminal. */
  readonly live?: boolean;
}

/** Runs one command line (without node and script) and resolves to the exit code; it never rejects. */
export async function runCommandLine(argv: readonly string[], around: Surroundings): Promise<number> {
  const json = argv.includes("--json");
  const { signal } = around;
  try {
    const invocation = await readInvocation(argv, await readVersion());
    if ("text" in invocation) {
      (invocation.exitCode === 0 ? around.out : around.err)(invocation.text);
      return invocation.exitCode;
    }
    // Loaded only now: help and usage errors need no settings.
    const { createContext } = await import("./create-context.ts");
    const { cwd, variables, clock, pid, input } = around;
    const report = createReport(around.out, around.err, { json, live: around.live ?? false });
    const { flags } = invocation;
    const context = createContext({ cwd, variables, clock, pid, signal, input, report, flags });
    return (await invocation.definition.run(context, invocation.input)) ?? 0;
  } catch (error) {
    const failure = describeFailure(error, { json, interrupted: signal.aborted });
    around.out(failure.out);
    around.err(failure.err);
    return failure.exitCode;
  }
}
