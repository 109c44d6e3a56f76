import { INTERRUPTED } from "./commands/failure.ts";
import { runCommandLine } from "./commands/run-command-line.ts";
import { standardInput } from "./commands/standard-input.ts";
import { systemClock } from "./lib/clock.ts";
import { createStopRequest } from "./lib/stop-request.ts";
import type { StopRequest } from "./lib/stop-request.ts";
import { forTerminal } from "./lib/terminal-text.ts";

const err = (text: string): void => void process.stderr.write(text);

/** Connects what asks this process to stop: signals, and readers of its output that went away. */
function listenForStops(): StopRequest {
  const request = createStopRequest({
    leave(lastWords) {
      if (lastWords !== undefined) err(`stopped at once: ${forTerminal(lastWords)}\n`);
      process.exit(INTERRUPTED);
    },
  });
  process.on("SIGINT", request.interrupt);
  process.on("SIGTERM", request.interrupt);
  process.on("SIGHUP", request.hangUp);
  // `| head` closes a pipe and a terminal that is gone fails each write: unheard, that would end a deploy between two calls.
  process.stdout.on("error", request.hangUp);
  // Progress that nobody reads any more stops nothing.
  process.stderr.on("error", () => undefined);
  return request;
}

// The SDK is pinned (docs/decisions); its advice about later versions is for us, not for every run of every user.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

const { signal, interrupt } = listenForStops();

// The only place that reads argv and the process's environment, and sets the exit code.
const ended = runCommandLine(process.argv.slice(2), {
  cwd: process.cwd(),
  variables: process.env,
  clock: systemClock,
  pid: process.pid,
  signal,
  input: standardInput({ input: process.stdin, say: err, signal, interrupt }),
  out: (text) => void process.stdout.write(text),
  err,
  live: process.stderr.isTTY,
  // A terminal that nobody told its size says 0.
  width: process.stdout.isTTY ? process.stdout.columns || 80 : undefined,
});
// Not awaited here: the program is built as CommonJS, which has no `await` of its own. It never rejects.
void ended.then((code) => {
  process.exitCode = code;
});
