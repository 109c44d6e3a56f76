import { runCommandLine } from "./commands/run-command-line.ts";
import { standardInput } from "./commands/standard-input.ts";
import { systemClock } from "./lib/clock.ts";
import { Interruption } from "./lib/interruption.ts";
import { forTerminal } from "./lib/terminal-text.ts";

const err = (text: string): void => void process.stderr.write(text);

/** Ctrl-C and a polite kill ask the command to stop; a second one stops it at once, with what is left to say. */
function abortOnSignals(): { readonly signal: AbortSignal; readonly interrupt: () => void } {
  const controller = new AbortController();
  const interruption = new Interruption();
  const interrupt = (): void => {
    if (!controller.signal.aborted) return controller.abort(interruption);
    const { lastWords } = interruption;
    if (lastWords !== undefined) err(`stopped at once: ${forTerminal(lastWords)}\n`);
    process.exit(130);
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  return { signal: controller.signal, interrupt };
}

// The SDK is pinned (docs/decisions); its advice about later versions is for us, not for every run of every user.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

const { signal, interrupt } = abortOnSignals();

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
