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
  readonly input: NodeJS.ReadableStream & Partial<Pick<ReadStream, "isTTY">>;
  /** Where questions are asked. */
  readonly say: (text: string) => void;
  /** Aborts on Ctrl-C. */
  readonly signal: AbortSignal;
  /** Does what Ctrl-C does: while a terminal hides what is typed it makes no signal of that key. */
  readonly interrupt: () => void;
}

export function standardInput({ input, say, signal, interrupt }: InputStreams): StandardInput {
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
      const lines = createInterface({ input, output: seen, terminal: true });
      lines.on("SIGINT", interrupt);
      const ended = new AbortController();
      lines.on("close", () => ended.abort(new SitefleetError("cli/usage", "the answer was not given")));
      try {
        return await lines.question(question, { signal: AbortSignal.any([signal, ended.signal]) });
      } catch (error) {
        // readline says AbortError of either; what ended it is more than that.
        if (!signal.aborted && ended.signal.aborted) throw ended.signal.reason;
        throw error;
      } finally {
        lines.close();
      }
    },
    async askHidden(question) {
      say(question);
      // As a terminal, but with nothing written back: what is typed stays unseen.
      const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
      const lines = createInterface({ input, output: unseen, terminal: true });
      lines.on("SIGINT", interrupt);
      try {
        return await lines.question("", { signal });
      } finally {
        lines.close();
        say("\n");
      }
    },
  };
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new SitefleetError("cli/usage", "standard input is not UTF-8 text");
  }
}
