#!/usr/bin/env node
import { describeFailure } from "./commands/failure.ts";
import { readInvocation } from "./commands/program.ts";
import { createReport } from "./commands/report.ts";
import { systemClock } from "./lib/clock.ts";
import { readVersion } from "./lib/version.ts";

/** The only place that reads argv and the process's environment, and sets the exit code. */
async function main(): Promise<number> {
  const argv = process.argv.slice(2);
  const json = argv.includes("--json");
  const report = createReport(
    (text) => process.stdout.write(text),
    (text) => process.stderr.write(text),
    { json },
  );
  const signal = abortOnSignals();
  try {
    const invocation = await readInvocation(argv, await readVersion());
    if ("text" in invocation) {
      (invocation.exitCode === 0 ? process.stdout : process.stderr).write(invocation.text);
      return invocation.exitCode;
    }
    // Loaded only now: help and usage errors need no settings.
    const { createContext } = await import("./commands/create-context.ts");
    const context = createContext({
      cwd: process.cwd(),
      variables: process.env,
      clock: systemClock,
      pid: process.pid,
      signal,
      report,
      flags: invocation.flags,
    });
    return (await invocation.definition.run(context, invocation.input)) ?? 0;
  } catch (error) {
    const failure = describeFailure(error, { json, interrupted: signal.aborted });
    process.stdout.write(failure.out);
    process.stderr.write(failure.err);
    return failure.exitCode;
  }
}

/** Ctrl-C and a polite kill ask the command to stop; a second one stops it at once. */
function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Error("interrupted"));
  };
  process.on("SIGINT", onSignal);
  process.on("SIGTERM", onSignal);
  return controller.signal;
}

// The SDK is pinned (docs/decisions); its advice about later versions is for us, not for every run of every user.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
process.exitCode = await main();
