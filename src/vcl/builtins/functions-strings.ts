import { assertNever } from "../../lib/errors.ts";
import type { FunctionRow } from "../catalog-rows.ts";
import { captureTexts, execRegex } from "../regex-run.ts";
import type { Transaction } from "../runtime.ts";
import { readSubfield } from "../subfields.ts";
import type { RegexValue, VclValue } from "../values.ts";
import { chargeWorkspace, WORKSPACE_BYTES } from "../workspace.ts";
import { defineFunction, integer, text, textOrNull } from "./rows.ts";

const STRINGS = { category: "strings" };
const MISC = { category: "miscellaneous" };

// ---- regsub --------------------------------------------------------------------------------------------------

function regexOf(value: VclValue | undefined): RegexValue | null {
  return typeof value === "object" && value !== null && value.kind === "regex" ? value : null;
}

/** Ends the request before a string is built that no workspace could hold. */
function refuseOversize(t: Transaction, length: number): void {
  if (length > WORKSPACE_BYTES) chargeWorkspace(t, length);
}

/**
 * `\1` to `\9` take one digit, `\{1}` to `\{19}` any group (functions/strings/regsub); as in Varnish, before any other
 * character a backslash stands for that character, and at the end for itself.
 */
function expandReplacement(template: string, groups: readonly (string | null)[]): string {
  return template.replaceAll(
    /\\(?:([0-9])|\{([0-9]{1,2})\}|(.))/gs,
    (_whole, digit?: string, braced?: string, other?: string) =>
      other ?? groups[Number(digit ?? braced)] ?? "",
  );
}

/** The longest that one replacement can become, counting every backslash as a whole input. */
function longestReplacement(template: string, input: string): number {
  return template.length + (template.split("\\").length - 1) * input.length;
}

/** One replacement is at most this long in any program that is not an attack. */
const LONGEST_REPLACEMENT = 64 * WORKSPACE_BYTES;

/** Replaces the first match, or all of them. What is not set stays not set; the captures stay as they are. */
function substitute(t: Transaction, args: readonly VclValue[], all: boolean): string | null {
  const input = textOrNull(args[0]);
  const regex = regexOf(args[1]);
  if (input === null || regex === null) return input;
  const template = text(args[2]);
  const isPlain = !template.includes("\\");
  if (!isPlain && longestReplacement(template, input) > LONGEST_REPLACEMENT)
    refuseOversize(t, LONGEST_REPLACEMENT);
  let output = "";
  let copied = 0;
  for (let from = 0; from <= input.length;) {
    const offsets = execRegex(t, regex, { text: input, from });
    const [start = -1, end = -1] = offsets ?? [];
    if (offsets === null || start === -1) break;
    output += input.slice(copied, start);
    output += isPlain ? template : expandReplacement(template, captureTexts(input, offsets));
    copied = Math.max(end, start);
    refuseOversize(t, output.length);
    if (!all) break;
    if (end > start) from = end;
    else {
      output += input.slice(start, start + 1);
      copied = start + 1;
      from = start + 1;
    }
  }
  return copied === 0 && output === "" ? input : output + input.slice(copied);
}

// ---- substrings ----------------------------------------------------------------------------------------------

/**
 * Range of a substring: a negative offset counts from the end, a negative length leaves that many off the end;
 * `null` when the offset lies outside (reference/vcl/functions/strings/substr).
 */
export function substringRange(
  size: number,
  offset: bigint,
  length: bigint | undefined,
): [number, number] | null {
  const start = offset < 0n ? BigInt(size) + offset : offset;
  if (start < 0n || start > BigInt(size)) return null;
  const rest = BigInt(size) - start;
  if (length === undefined) return [Number(start), size];
  const taken = length < 0n ? rest + length : length;
  const clipped = taken < 0n ? 0n : taken > rest ? rest : taken;
  return [Number(start), Number(start + clipped)];
}

function substr(args: readonly VclValue[]): string | null {
  const subject = text(args[0]);
  const range = substringRange(
    subject.length,
    integer(args[1]),
    args[2] === undefined ? undefined : integer(args[2]),
  );
  return range === null ? null : subject.slice(range[0], range[1]);
}

/** Pads on the left, or with a negative width on the right, until the text is that long. */
export function padCount(width: bigint): number {
  const size = width < 0n ? -width : width;
  return size > MAX_BUILT ? Number(MAX_BUILT) : Number(size);
}

/** One more than any string that fits. */
const MAX_BUILT = BigInt(WORKSPACE_BYTES) + 1n;

function pad(args: readonly VclValue[]): string {
  const subject = text(args[0]);
  const width = integer(args[1]);
  const filler = text(args[2]);
  return width < 0n ? subject.padEnd(padCount(width), filler) : subject.padStart(padCount(width), filler);
}

function repeat(t: Transaction, args: readonly VclValue[]): string {
  const subject = text(args[0]);
  const count = integer(args[1]);
  if (count <= 0n || subject === "") return "";
  if (count * BigInt(subject.length) >= MAX_BUILT) refuseOversize(t, Number(MAX_BUILT));
  return subject.repeat(Number(count));
}

function replacePart(
  t: Transaction,
  args: readonly VclValue[],
  how: "first" | "all" | "prefix" | "suffix",
): string | null {
  const subject = textOrNull(args[0]);
  const target = text(args[1]);
  const replacement = text(args[2]);
  if (subject === null || target === "") return subject;
  switch (how) {
    case "first": {
      const at = subject.indexOf(target);
      return at === -1 ? subject : subject.slice(0, at) + replacement + subject.slice(at + target.length);
    }
    case "all":
      return replaceAll(t, subject.split(target), replacement);
    case "prefix":
      return subject.startsWith(target) ? replacement + subject.slice(target.length) : subject;
    case "suffix":
      return subject.endsWith(target) ? subject.slice(0, -target.length) + replacement : subject;
    default:
      return assertNever(how);
  }
}

function replaceAll(t: Transaction, pieces: readonly string[], replacement: string): string {
  refuseOversize(t, (pieces.length - 1) * replacement.length);
  return pieces.join(replacement);
}

/** As POSIX basename(3): trailing slashes do not count. */
function basename(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === "") return path === "" ? "." : "/";
  return trimmed.slice(trimmed.lastIndexOf("/") + 1);
}

/** As POSIX dirname(3), except that a trailing slash ends a directory: `/usr/` is in `/`. */
function dirname(path: string): string {
  const trimmed = path.replace(/\/+$/, "");
  if (trimmed === "") return path === "" ? "." : "/";
  const slash = trimmed.lastIndexOf("/");
  if (slash === -1) return ".";
  return trimmed.slice(0, slash).replace(/\/+$/, "") || "/";
}

/** ASCII only, as the C locale does; other bytes stay as they are. */
function lower(subject: string): string {
  return subject.replaceAll(/[A-Z]+/g, (run) => run.toLowerCase());
}

function upper(subject: string): string {
  return subject.replaceAll(/[a-z]+/g, (run) => run.toUpperCase());
}

function subfield(args: readonly VclValue[]): string | null {
  const subject = textOrNull(args[0]);
  const separator = textOrNull(args[2])?.[0] ?? ",";
  return subject === null ? null : readSubfield(subject, text(args[1]), separator);
}

/** Strings of bytes: cutting, searching, replacing. */
export const STRING_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction("STRING regsub(STRING input, REGEX pattern, STRING replacement)", STRINGS, (t, args) =>
    substitute(t, args, false),
  ),
  defineFunction("STRING regsuball(STRING input, REGEX pattern, STRING replacement)", STRINGS, (t, args) =>
    substitute(t, args, true),
  ),
  defineFunction("STRING substr(STRING s, INTEGER offset, [INTEGER length])", STRINGS, (_t, args) =>
    substr(args),
  ),
  defineFunction(
    "STRING subfield(STRING subject, STRING fieldname, [STRING separator_character])",
    MISC,
    (_t, args) => subfield(args),
  ),
  defineFunction("INTEGER std.strlen(STRING s)", STRINGS, (_t, [s]) => BigInt(text(s).length)),
  defineFunction("STRING std.tolower(STRING s)", STRINGS, (_t, [s]) => (s === null ? null : lower(text(s)))),
  defineFunction("STRING std.toupper(STRING s)", STRINGS, (_t, [s]) => (s === null ? null : upper(text(s)))),
  defineFunction("STRING std.strstr(STRING haystack, STRING needle)", STRINGS, (_t, [haystack, needle]) => {
    const at = text(haystack).indexOf(text(needle));
    return at === -1 ? null : text(haystack).slice(at);
  }),
  // An empty string is neither prefix nor suffix of anything (functions/strings/std-prefixof, /std-suffixof).
  defineFunction(
    "BOOL std.prefixof(STRING s, STRING begins_with)",
    STRINGS,
    (_t, [s, start]) => text(start) !== "" && text(s).startsWith(text(start)),
  ),
  defineFunction(
    "BOOL std.suffixof(STRING s, STRING ends_with)",
    STRINGS,
    (_t, [s, end]) => text(end) !== "" && text(s).endsWith(text(end)),
  ),
  defineFunction(
    "BOOL std.strcasecmp(STRING s1, STRING s2)",
    STRINGS,
    (_t, [a, b]) => lower(text(a)) === lower(text(b)),
  ),
  defineFunction("STRING std.replace(STRING s, STRING target, STRING replacement)", STRINGS, (t, args) =>
    replacePart(t, args, "first"),
  ),
  defineFunction("STRING std.replaceall(STRING s, STRING target, STRING replacement)", STRINGS, (t, args) =>
    replacePart(t, args, "all"),
  ),
  defineFunction(
    "STRING std.replace_prefix(STRING s, STRING target, STRING replacement)",
    STRINGS,
    (t, args) => replacePart(t, args, "prefix"),
  ),
  defineFunction(
    "STRING std.replace_suffix(STRING s, STRING target, STRING replacement)",
    STRINGS,
    (t, args) => replacePart(t, args, "suffix"),
  ),
  defineFunction("STRING std.strpad(STRING s, INTEGER width, STRING pad)", STRINGS, (_t, args) => pad(args)),
  defineFunction("STRING std.strrep(STRING s, INTEGER n)", STRINGS, repeat),
  defineFunction("STRING std.strrev(STRING s)", STRINGS, (_t, [s]) => text(s).split("").reverse().join("")),
  defineFunction("STRING std.basename(STRING s)", STRINGS, (_t, [s]) => basename(text(s))),
  defineFunction("STRING std.dirname(STRING s)", STRINGS, (_t, [s]) => dirname(text(s))),
];
