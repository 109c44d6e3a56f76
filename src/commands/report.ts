import { forTerminal } from "../lib/terminal-text.ts";

/** How a command speaks: the result on stdout, everything else on stderr. */
export interface Report {
  /** The command's one result: with `--json` the document as one JSON line, else the text. Called at most once. */
  result(document: unknown, text: string): void;
  /** A step that was done or is under way; a plain line on stderr. */
  progress(line: string): void;
  warn(line: string): void;
}

/** Writes to the two streams given. */
export function createReport(
  out: (text: string) => void,
  err: (text: string) => void,
  options: { readonly json: boolean },
): Report {
  return {
    result(document, text) {
      const body = options.json ? JSON.stringify(document) : forTerminal(text);
      if (body !== "") out(body.endsWith("\n") ? body : `${body}\n`);
    },
    progress: (line) => err(`${forTerminal(line)}\n`),
    warn: (line) => err(`warning: ${forTerminal(line)}\n`),
  };
}
