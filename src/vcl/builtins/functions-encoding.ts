import { parseBase64, parseHex } from "../base64.ts";
import type { FunctionRow } from "../catalog-rows.ts";
import type { Transaction } from "../runtime.ts";
import { defineFunction, integer, text, textOrNull } from "./rows.ts";
import { normalizeUrl } from "./url-normalize.ts";
import { padCount, substringRange } from "./functions-strings.ts";
import type { VclValue } from "../values.ts";

const STRINGS = { category: "strings" };

/** A NUL ends a string (reference/vcl/types/string). */
function upToNul(bytes: string): string {
  const nul = bytes.indexOf("\0");
  return nul === -1 ? bytes : bytes.slice(0, nul);
}

/** RFC 3986 §2.3: everything but the unreserved characters, in upper-case hex. */
export function percentEncode(bytes: string): string {
  return bytes.replaceAll(/[^A-Za-z0-9\-._~]/g, (char) => {
    return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;
  });
}

/** Decodes every valid `%XX`; anything else stays. */
export function percentDecode(bytes: string): string {
  if (!bytes.includes("%")) return bytes;
  return bytes.replaceAll(/%([0-9A-Fa-f]{2})/g, (_whole, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

const JSON_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);

const C_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\b", "\\b"],
  ["\t", "\\t"],
  ["\n", "\\n"],
  ["\v", "\\v"],
  ["\r", "\\r"],
]);

const XML_ESCAPES: ReadonlyMap<string, string> = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&apos;"],
]);

function hexOf(char: string, width: number): string {
  return char.charCodeAt(0).toString(16).toUpperCase().padStart(width, "0");
}

/** The body of a JSON string; text that is not UTF-8 has none (fastly.error EUTF8). */
function jsonEscape(t: Transaction, value: VclValue | undefined): string | null {
  const bytes = text(value);
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(bytes)) return bytes;
  if (decodeUtf8(bytes) === null) {
    t.vclError = "EUTF8";
    return null;
  }
  // eslint-disable-next-line no-control-regex
  return bytes.replaceAll(/["\\\x00-\x1f\x7f]/g, (char) => JSON_ESCAPES.get(char) ?? `\\u${hexOf(char, 4)}`);
}

function cEscape(bytes: string): string {
  // eslint-disable-next-line no-control-regex
  return bytes.replaceAll(
    /["\\]|[^\x20-\x7e]/g,
    (char) => C_ESCAPES.get(char) ?? `\\x${hexOf(char, 2).toLowerCase()}`,
  );
}

// ---- utf8.* --------------------------------------------------------------------------------------------------

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text of UTF-8 bytes; `null` when they are not UTF-8. */
export function decodeUtf8(bytes: string): string | null {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(bytes)) return bytes;
  try {
    return strict.decode(Buffer.from(bytes, "latin1"));
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

function encodeUtf8(characters: string): string {
  return Buffer.from(characters, "utf8").toString("latin1");
}

function utf8Substr(args: readonly VclValue[]): string | null {
  const decoded = decodeUtf8(text(args[0]));
  if (decoded === null) return null;
  const points = Array.from(decoded);
  const length = args[2] === undefined ? undefined : integer(args[2]);
  const range = substringRange(points.length, integer(args[1]), length);
  return range === null ? null : encodeUtf8(points.slice(range[0], range[1]).join(""));
}

function utf8Pad(args: readonly VclValue[]): string | null {
  const subject = decodeUtf8(text(args[0]));
  const filler = decodeUtf8(text(args[2]));
  if (subject === null || filler === null) return null;
  const fill = Array.from(filler);
  const missing = padCount(integer(args[1])) - Array.from(subject).length;
  if (missing <= 0 || fill.length === 0) return text(args[0]);
  const padding = Array.from({ length: missing }, (_, i) => fill[i % fill.length]).join("");
  return encodeUtf8(integer(args[1]) < 0n ? subject + padding : padding + subject);
}

/** Escaping, percent-encoding and UTF-8. */
export const ENCODING_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction("STRING urlencode(STRING input)", STRINGS, (_t, [s]) => percentEncode(upToNul(text(s)))),
  defineFunction("STRING urldecode(STRING input)", STRINGS, (_t, [s]) =>
    upToNul(percentDecode(text(s).replaceAll("+", " "))),
  ),
  defineFunction("STRING json.escape(STRING string)", STRINGS, (t, [s]) => jsonEscape(t, s)),
  defineFunction("STRING cstr_escape(STRING string)", STRINGS, (_t, [s]) => cEscape(text(s))),
  defineFunction("STRING xml_escape(STRING s)", STRINGS, (_t, [s]) =>
    text(s).replaceAll(/[&<>"']/g, (char) => XML_ESCAPES.get(char) ?? char),
  ),
  defineFunction("BOOL utf8.is_valid(STRING s)", STRINGS, (_t, [s]) => decodeUtf8(text(s)) !== null),
  defineFunction("INTEGER utf8.codepoint_count(STRING s)", STRINGS, (_t, [s]) => {
    const decoded = decodeUtf8(text(s));
    return decoded === null ? 0n : BigInt(Array.from(decoded).length);
  }),
  defineFunction("STRING utf8.substr(STRING s, INTEGER offset, [INTEGER length])", STRINGS, (_t, args) =>
    utf8Substr(args),
  ),
  defineFunction("STRING utf8.strpad(STRING s, INTEGER count, STRING pad)", STRINGS, (_t, args) =>
    utf8Pad(args),
  ),
  defineFunction("STRING bin.base64_to_hex(STRING s)", { category: "cryptographic" }, (t, [s]) => {
    const given = textOrNull(s) ?? "";
    const bytes = parseBase64(given);
    return bytes === null ? invalid(t) : bytes.toString("hex").toUpperCase();
  }),
  defineFunction("STRING bin.hex_to_base64(STRING s)", { category: "cryptographic" }, (t, [s]) => {
    const given = textOrNull(s) ?? "";
    const bytes = parseHex(given);
    return bytes === null ? invalid(t) : bytes.toString("base64");
  }),
  defineFunction("STRING url.normalize(STRING url)", { category: "strings" }, (_t, args) =>
    normalizeUrl(text(args[0])),
  ),
];

/** What is malformed gives nothing and sets `fastly.error`. */
function invalid(t: Transaction): null {
  t.vclError = "EINVAL";
  return null;
}
