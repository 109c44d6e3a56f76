import { forTerminal } from "../lib/terminal-text.ts";

/** How a command speaks: the result on stdout, everything else on stderr. */
export interface Report {
  /** Columns of the terminal that the result is shown on; absent = it is no terminal, and lines may be of any length. */
  readonly width?: number;
  /** The command's one result: with `--json` the document as one JSON line, else the text. Called at most once. */
  result(document: unknown, text: string): void;
  /** The command's one result as a list that is written as it comes; instead of `result`. */
  rows(): RowWriter;
  /** A step that was done or is under way; a plain line on stderr. */
  progress(line: string): void;
  /** How far a long run is; on a terminal the line stands in for the one before, elsewhere it is not shown. */
  status(line: string): void;
  /** The same, told seldom: a line of its own where there is no terminal. */
  step(line: string): void;
  warn(line: string): void;
}

/** Writes a list that may be too long to be held. */
export interface RowWriter {
  /** With `--json` the document as an element of one array, else the text as a line. */
  row(document: unknown, text: string): void;
  /** @param none the text when there was no row */
  end(none: string): void;
}

/** Writes to the two streams given. */
export function createReport(
  out: (text: string) => void,
  err: (text: string) => void,
  options: {
    readonly json: boolean;
    /** Whether `err` is a terminal. */
    readonly live?: boolean;
    /** Columns of the terminal that `out` is; absent = none. */
    readonly width?: number | undefined;
  },
): Report {
  let status = "";
  const say = (line: string): void => {
    if (status !== "") err(CLEAR_LINE);
    status = "";
    err(`${line}\n`);
  };
  const rewrite = (line: string): void => {
    // One line of a terminal of usual width: a longer one could not be taken back.
    status = forTerminal(line).replaceAll("\n", " ").slice(0, 79);
    err(`${CLEAR_LINE}${status}`);
  };
  return {
    ...(options.width === undefined ? {} : { width: options.width }),
    result(document, text) {
      if (status !== "") err("\n");
      status = "";
      const body = options.json ? JSON.stringify(document) : forTerminal(text);
      if (body !== "") out(body.endsWith("\n") ? body : `${body}\n`);
    },
    rows: () => (options.json ? jsonRows(out) : textRows(out)),
    progress: (line) => say(forTerminal(line)),
    status(line) {
      if (options.live) rewrite(line);
    },
    step(line) {
      if (options.live) rewrite(line);
      else say(forTerminal(line));
    },
    warn: (line) => say(`warning: ${forTerminal(line)}`),
  };
}

/** Back to the start of the line, and nothing on it (ECMA-48, EL 2). */
const CLEAR_LINE = "\r\u001b[2K";

function jsonRows(out: (text: string) => void): RowWriter {
  let before = "[";
  return {
    row(document) {
      out(`${before}${JSON.stringify(document)}`);
      before = ",";
    },
    end: () => out(before === "[" ? "[]\n" : "]\n"),
  };
}

function textRows(out: (text: string) => void): RowWriter {
  let count = 0;
  return {
    row(_, text) {
      count += 1;
      out(`${forTerminal(text)}\n`);
    },
    end(none) {
      if (count === 0) out(`${none}\n`);
    },
  };
}
