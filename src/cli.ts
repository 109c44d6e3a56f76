#!/usr/bin/env node
import { createContext } from "./commands/create-context.ts";
import { readInvocation } from "./commands/program.ts";
import { createReport } from "./commands/report.ts";
import { systemClock } from "./lib/clock.ts";
import { SitefleetError } from "./lib/errors.ts";
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
  try {
    const invocation = await readInvocation(argv, await readVersion());
    if ("text" in invocation) {
      (invocation.exitCode === 0 ? process.stdout : process.stderr).write(invocation.text);
      return invocation.exitCode;
    }
    const context = createContext({
      cwd: process.cwd(),
      variables: process.env,
      clock: systemClock,
      pid: process.pid,
      signal: abortOnSignals(),
      report,
      flags: invocation.flags,
    });
    return (await invocation.definition.run(context, invocation.input)) ?? 0;
  } catch (error) {
    return explain(error, json);
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

function explain(error: unknown, json: boolean): number {
  if (!(error instanceof SitefleetError)) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`sitefleet failed, and it is our fault [fault/internal]: ${text}\n`);
    return 1;
  }
  if (json) {
    const { code, kind, message, hint, details } = error;
    process.stdout.write(`${JSON.stringify({ error: { code, kind, message, hint, details } })}\n`);
  }
  const lines = [`error: ${error.message} [${error.code}]`, ...error.details.map((line) => `  ${line}`)];
  if (error.hint !== undefined) lines.push(`next: ${error.hint}`);
  process.stderr.write(`${lines.join("\n")}\n`);
  return error.exitCode;
}

// The SDK is pinned (docs/decisions); its advice about later versions is for us, not for every run of every user.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
process.exitCode = await main();
