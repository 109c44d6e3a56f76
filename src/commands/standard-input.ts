import { createInterface } from "node:readline/promises";
import type { ReadStream } from "node:tty";
import { Writable } from "node:stream";
import { SitefleetError } from "../lib/errors.ts";

/** What a command may be told besides its arguments. */
export interface StandardInput {
  /** Whether a person sits at it. */
  readonly isTerminal: boolean;
  /** All of it, without the line end at its end. */
  readText(): Promise<string>;
  /** A line that a person types, and sees. */
  ask(question: string): Promise<string>;
  /** A line that a person types and nobody sees. */
  askHidden(question: string): Promise<string>;
}

/** Far more than any secret is long. */
const LIMIT = 65_536;

export interface InputStreams {
  readonly input: NodeJS.ReadableStream & Partial<Pick<ReadStream, "isTTY" | "readableEnded">>;
  /** Where questions are asked. */
  readonly say: (text: string) => void;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Does what Ctrl-C does: while a terminal hides what is typed it makes no signal of that key. */
  readonly interrupt: () => void;
}

export function standardInput({ input, say, signal, interrupt }: InputStreams): StandardInput {
  const lines = new TypedLines({ input, signal, interrupt });
  return {
    isTerminal: input.isTTY === true,
    async readText() {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of input) {
        const bytes = Buffer.from(chunk);
        chunks.push(bytes);
        size += bytes.length;
        if (size > LIMIT) {
          throw new SitefleetError("cli/usage", `standard input is longer than ${LIMIT} bytes`);
        }
      }
      return decodeUtf8(Buffer.concat(chunks)).replace(/\r?\n$/, "");
    },
    async ask(question) {
      const seen = new Writable({
        write(chunk, _encoding, done) {
          say(String(chunk));
          done();
        },
      });
      return lines.next(question, seen);
    },
    async askHidden(question) {
      say(question);
      // As a terminal, but with nothing written back: what is typed stays unseen.
      const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
      try {
        return await lines.next("", unseen);
      } finally {
        say("\n");
      }
    },
  };
}

/** Lines of a terminal, one for each question. What was typed or pasted ahead answers the questions to come. */
class TypedLines {
  readonly #streams: Pick<InputStreams, "input" | "signal" | "interrupt">;
  readonly #ahead: string[] = [];
  /** A line that was begun ahead and has no end yet. */
  #begun = "";

  constructor(streams: Pick<InputStreams, "input" | "signal" | "interrupt">) {
    this.#streams = streams;
  }

  /** @param output where the question and what is typed is shown */
  async next(question: string, output: Writable): Promise<string> {
    const { input, signal, interrupt } = this.#streams;
    signal.throwIfAborted();
    const typed = this.#ahead.shift();
    if (typed !== undefined) {
      output.write(`${question}${typed}\n`);
      return typed;
    }
    // An end that was seen already is told to nobody again.
    if (input.readableEnded === true) throw unanswered();
    const lines = createInterface({ input, output, terminal: true });
    lines.on("SIGINT", interrupt);
    const ended = new AbortController();
    lines.on("close", () => ended.abort(unanswered()));
    try {
      const answer = lines.question(question, { signal: AbortSignal.any([signal, ended.signal]) });
      lines.write(this.#begun);
      this.#begun = "";
      lines.on("line", (line) => this.#ahead.push(line));
      return await answer;
    } catch (error) {
      // readline says AbortError of either; what ended it is more than that.
      if (!signal.aborted && ended.signal.aborted) throw ended.signal.reason;
      throw error;
    } finally {
      this.#begun = lines.line;
      lines.close();
    }
  }
}

function unanswered(): SitefleetError {
  return new SitefleetError("cli/usage", "the answer was not given");
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new SitefleetError("cli/usage", "standard input is not UTF-8 text");
  }
}
