import { isUtf8 } from "node:buffer";

/** What `decodeString` found wrong, with the offset in the raw text. */
export interface StringProblem {
  readonly rule: "syntax/invalid-escape" | "syntax/invalid-utf8";
  readonly message: string;
  readonly offset: number;
}

export interface DecodedString {
  /** Bytes as latin1. */
  readonly value: string;
  readonly problem: StringProblem | undefined;
}

const ESCAPE = /%(?:u\{([0-9A-Fa-f]{1,6})\}|u([0-9A-Fa-f]{4})|([0-9A-Fa-f]{2}))/y;
const NON_ASCII = /[\u0080-\u00ff]/;

/**
 * Decodes the inside of a `"…"` literal: `%xx` is a byte, `%uXXXX` and `%u{X…}` a code point in UTF-8; a NUL ends the
 * string; the result must be UTF-8 (reference/vcl/types/string).
 */
export function decodeString(raw: string): DecodedString {
  let value = "";
  let at = 0;
  for (let percent = raw.indexOf("%"); percent !== -1; percent = raw.indexOf("%", at)) {
    value += raw.slice(at, percent);
    const bytes = decodeEscape(raw, percent);
    if (bytes === undefined) {
      const message = "% starts no escape; write %25 for the sign itself";
      return { value, problem: { rule: "syntax/invalid-escape", message, offset: percent } };
    }
    if (bytes.text === "\0") return checkUtf8(value);
    value += bytes.text;
    at = bytes.end;
  }
  return checkUtf8(value + raw.slice(at));
}

/** The same bytes, or a problem when they are not UTF-8. */
export function checkUtf8(value: string): DecodedString {
  if (!NON_ASCII.test(value) || isUtf8(Buffer.from(value, "latin1"))) return { value, problem: undefined };
  return {
    value,
    problem: { rule: "syntax/invalid-utf8", message: "the string is not valid UTF-8", offset: 0 },
  };
}

function decodeEscape(raw: string, at: number): { readonly text: string; readonly end: number } | undefined {
  ESCAPE.lastIndex = at;
  const match = ESCAPE.exec(raw);
  if (match === null) return undefined;
  const end = at + match[0].length;
  if (match[3] !== undefined) return { text: String.fromCharCode(Number.parseInt(match[3], 16)), end };
  const code = Number.parseInt(match[1] ?? match[2] ?? "", 16);
  const isSurrogate = code >= 0xd800 && code <= 0xdfff;
  if (code > 0x10ffff || isSurrogate) return undefined;
  return { text: Buffer.from(String.fromCodePoint(code), "utf8").toString("latin1"), end };
}
