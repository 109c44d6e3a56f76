import { fault } from "./syntax-error.ts";
import type { Newline, PatternSettings } from "./syntax.ts";

const NEWLINES: ReadonlyMap<string, Newline> = new Map<string, Newline>([
  ["CR", "cr"],
  ["LF", "lf"],
  ["CRLF", "crlf"],
  ["ANYCRLF", "anycrlf"],
  ["ANY", "any"],
  ["NUL", "nul"],
]);

type Mutable = { -readonly [Key in keyof PatternSettings]: PatternSettings[Key] };

/** Bytes a backtracking entry takes; turns a heap limit in KiB into a depth. */
const ENTRY_BYTES = 12;
const MAX_LIMIT = 0xffff_ffff;

function applyLimit(settings: Mutable, limit: { readonly name: string; readonly value: number }): void {
  if (limit.name === "LIMIT_MATCH") settings.maxSteps = Math.min(settings.maxSteps, limit.value);
  else if (limit.name === "LIMIT_HEAP")
    settings.maxDepth = Math.min(settings.maxDepth, Math.ceil((limit.value * 1024) / ENTRY_BYTES));
  else settings.maxDepth = Math.min(settings.maxDepth, limit.value);
}

/** Applies one item; false when it is a backtracking verb, which belongs to the pattern proper. */
function applyItem(settings: Mutable, item: string, offset: number): boolean {
  const newline = NEWLINES.get(item);
  const limit = /^(LIMIT_(?:MATCH|DEPTH|RECURSION|HEAP))=(\d{1,10})$/.exec(item);
  if (newline !== undefined) settings.newline = newline;
  else if (limit !== null) {
    const value = Number(limit[2]);
    if (value > MAX_LIMIT) fault("the limit is too large", offset);
    applyLimit(settings, { name: limit[1] ?? "", value });
  } else if (item === "BSR_ANYCRLF") settings.narrowNewlineSequence = true;
  else if (item === "BSR_UNICODE") settings.narrowNewlineSequence = false;
  else if (item === "NOTEMPTY") settings.notEmpty = true;
  else if (item === "NOTEMPTY_ATSTART") settings.notEmptyAtStart = true;
  else if (item === "NO_AUTO_POSSESS") settings.autoPossess = false;
  else if (item === "NO_START_OPT") settings.startOptimize = false;
  else if (item === "UTF" || item === "UCP")
    fault(`(*${item}) is not supported: patterns match bytes`, offset);
  // These two only steer optimisations that never change an answer.
  else return item === "NO_JIT" || item === "NO_DOTSTAR_ANCHOR";
  return true;
}

/** Reads the `(*...)` settings that may stand at the very start of a pattern (pcre2pattern, "Special start-of-pattern items"). */
export function parseSettings(source: string): {
  readonly settings: PatternSettings;
  readonly length: number;
} {
  const settings: Mutable = {
    newline: "lf",
    narrowNewlineSequence: false,
    notEmpty: false,
    notEmptyAtStart: false,
    startOptimize: true,
    autoPossess: true,
    maxSteps: Infinity,
    maxDepth: Infinity,
  };
  let length = 0;
  for (;;) {
    const item = /^\(\*([A-Z_]+(?:=\d+)?)\)/.exec(source.slice(length, length + 64));
    if (item === null || !applyItem(settings, item[1] ?? "", length)) return { settings, length };
    length += item[0].length;
  }
}
