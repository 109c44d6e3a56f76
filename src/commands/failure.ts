import { SitefleetError } from "../lib/errors.ts";
import { InterruptedError } from "../lib/interruption.ts";
import { forTerminal } from "../lib/terminal-text.ts";

/** What the process says and how it ends when a command failed. */
export interface Failure {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

/** Exit code of an interrupted run, as shells report a process that SIGINT ended: 128 + 2. */
export const INTERRUPTED = 130;

/** How a failure is told: for people on stderr and, with `--json`, as one document on stdout. */
export function describeFailure(
  error: unknown,
  options: {
    readonly json: boolean;
    readonly interrupted: boolean;
    /** The command that shows the help of the one that failed. */
    readonly help?: string | undefined;
  },
): Failure {
  if (error instanceof InterruptedError) {
    const { message, details } = error;
    const lines = [
      `interrupted: ${forTerminal(message)}`,
      ...details.map((line) => `  ${forTerminal(line)}`),
    ];
    const out = documentOf(options, { interrupted: true, message, details });
    return { out, err: `${lines.join("\n")}\n`, exitCode: INTERRUPTED };
  }
  if (options.interrupted && !(error instanceof SitefleetError)) {
    const err = "interrupted; what was begun is finished by the next run\n";
    return { out: documentOf(options, { interrupted: true }), err, exitCode: INTERRUPTED };
  }
  if (!(error instanceof SitefleetError)) return describeFault(error, options);
  const { code, kind, message, details } = error;
  const page = `see \`${code}\` in docs/errors.md`;
  const hint = error.hint ?? (code === "cli/usage" ? (options.help ?? page) : page);
  const told = details.filter((line) => !message.includes(line));
  const lines = [
    `error: ${forTerminal(message).replaceAll("\n", " ")} [${code}]`,
    ...told.map((line) => `  ${forTerminal(line)}`),
    `next: ${forTerminal(hint)}`,
  ];
  const out = documentOf(options, { error: { code, kind, message, hint, details } });
  return { out, err: `${lines.join("\n")}\n`, exitCode: error.exitCode };
}

/** Anything that is not an error of the product's own is a bug in it: with the stack, to be reported. */
function describeFault(error: unknown, options: { readonly json: boolean }): Failure {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? message) : message;
  const fault = { code: "fault/internal", kind: "fault", message, details: [] };
  const err = `error: sitefleet failed, and it is our fault [fault/internal]: ${forTerminal(stack)}\n`;
  return { out: documentOf(options, { error: fault }), err, exitCode: 1 };
}

function documentOf({ json }: { readonly json: boolean }, document: object): string {
  return json ? `${JSON.stringify(document)}\n` : "";
}
