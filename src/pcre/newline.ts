import { assertNever } from "../lib/errors.ts";
import type { Newline } from "./syntax.ts";

/** The length of a line end at `at`, 0 where there is none. */
export function newlineLength(source: string, at: number, newline: Newline): number {
  const code = at < source.length ? source.charCodeAt(at) : -1;
  const crlf = code === 13 && source.charCodeAt(at + 1) === 10;
  switch (newline) {
    case "lf":
      return code === 10 ? 1 : 0;
    case "cr":
      return code === 13 ? 1 : 0;
    case "nul":
      return code === 0 ? 1 : 0;
    case "crlf":
      return crlf ? 2 : 0;
    case "anycrlf":
      return crlf ? 2 : Number(code === 10 || code === 13);
    case "any":
      return crlf ? 2 : Number((code >= 10 && code <= 13) || code === 0x85);
    default:
      return assertNever(newline);
  }
}

/** Whether a newline ends at `at`. */
export function endsNewline(subject: string, at: number, newline: Newline): boolean {
  if (at < 1) return false;
  const crlf = at > 1 && subject.charCodeAt(at - 2) === 13 && subject.charCodeAt(at - 1) === 10;
  if (newline === "crlf") return crlf;
  return crlf ? newline !== "cr" && newline !== "nul" : newlineLength(subject[at - 1] ?? "", 0, newline) > 0;
}
