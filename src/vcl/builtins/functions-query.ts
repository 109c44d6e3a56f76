import type { FunctionRow } from "../catalog-rows.ts";
import { execRegex } from "../regex-run.ts";
import type { Transaction } from "../runtime.ts";
import type { VclValue } from "../values.ts";
import { bool, defineFunction, text, textOrNull } from "./rows.ts";
import { percentDecode, percentEncode } from "./functions-encoding.ts";

const QUERY = { category: "query-string" };

/** What joins the names for `querystring.filter`: a byte that no URL has. */
const FILTER_SEPARATOR = "\u007f";

interface Query {
  readonly path: string;
  /** `null` when the URL has no `?`. */
  readonly parts: readonly string[] | null;
  readonly fragment: string;
}

function splitUrl(url: string): Query {
  const hash = url.indexOf("#");
  const body = hash === -1 ? url : url.slice(0, hash);
  const fragment = hash === -1 ? "" : url.slice(hash);
  const mark = body.indexOf("?");
  if (mark === -1) return { path: body, parts: null, fragment };
  return { path: body.slice(0, mark), parts: body.slice(mark + 1).split("&"), fragment };
}

function joinUrl(query: Query, parts: readonly string[]): string {
  return query.path + (parts.length === 0 ? "" : `?${parts.join("&")}`) + query.fragment;
}

function nameOf(part: string): string {
  const equals = part.indexOf("=");
  return equals === -1 ? part : part.slice(0, equals);
}

/** The name as it stands in a URL: given plain or encoded, it is the same name. */
function canonicalName(name: string): string {
  return percentEncode(percentDecode(name));
}

/** Keeps the parameters that `keep` admits; a URL without a query is returned as it is. */
function filterParts(url: string, keep: (part: string) => boolean): string {
  const query = splitUrl(url);
  if (query.parts === null) return url;
  return joinUrl(
    query,
    query.parts.filter((part) => part !== "" && keep(part)),
  );
}

function listed(args: readonly VclValue[]): (part: string) => boolean {
  const names = new Set(text(args[1]).split(FILTER_SEPARATOR));
  return (part) => names.has(nameOf(part));
}

/** `*` any run, `?` any character, `[a-z]` a set, `\` escapes; linear in text times pattern. */
function globMatches(pattern: string, subject: string): boolean {
  let star = -1;
  let resume = 0;
  let p = 0;
  for (let s = 0; s < subject.length;) {
    const step = pattern[p] === "*" ? -1 : matchOne(pattern, p, subject[s] ?? "");
    if (step > 0) {
      p += step;
      s++;
    } else if (pattern[p] === "*") {
      star = p++;
      resume = s;
    } else if (star !== -1) {
      p = star + 1;
      s = ++resume;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p >= pattern.length;
}

/** Length of the pattern element at `p` when it matches the character, else 0. */
function matchOne(pattern: string, p: number, char: string): number {
  const element = pattern[p];
  if (element === undefined) return 0;
  if (element === "?") return 1;
  if (element === "\\" && p + 1 < pattern.length) return pattern[p + 1] === char ? 2 : 0;
  const close = element === "[" ? pattern.indexOf("]", p + 2) : -1;
  if (close === -1) return element === char ? 1 : 0;
  const negated = pattern[p + 1] === "!" || pattern[p + 1] === "^";
  return inSet(pattern.slice(p + (negated ? 2 : 1), close), char) === negated ? 0 : close - p + 1;
}

function inSet(set: string, char: string): boolean {
  for (let i = 0; i < set.length; i++) {
    const low = set[i] ?? "";
    const isRange = set[i + 1] === "-" && i + 2 < set.length;
    const high = isRange ? (set[i + 2] ?? "") : low;
    if (char >= low && char <= high) return true;
    if (isRange) i += 2;
  }
  return false;
}

function regexTest(t: Transaction, value: VclValue | undefined): (part: string) => boolean {
  if (typeof value !== "object" || value === null || value.kind !== "regex") return () => false;
  return (part) => execRegex(t, value, { text: nameOf(part) }) !== null;
}

/** Sorts by name, then by the order of appearance; with `unique` the first of each name stays. */
function sortQuery(url: string, unique: boolean): string {
  const query = splitUrl(url);
  if (query.parts === null) return url;
  const parts = query.parts.filter((part) => part !== "");
  const seen = new Set<string>();
  const kept = unique ? parts.filter((part) => !seen.has(nameOf(part)) && seen.add(nameOf(part))) : parts;
  return joinUrl(
    query,
    [...kept].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

/** The first value of a name; a name without `=` has none. */
function getParameter(args: readonly VclValue[]): string | null {
  const wanted = canonicalName(text(args[1]));
  if (wanted === "") return null;
  for (const part of splitUrl(text(args[0])).parts ?? []) {
    const equals = part.indexOf("=");
    if (equals !== -1 && part.slice(0, equals) === wanted) return part.slice(equals + 1);
  }
  return null;
}

function addParameter(args: readonly VclValue[]): string {
  const query = splitUrl(text(args[0]));
  const parts = (query.parts ?? []).filter((part) => part !== "");
  return joinUrl(query, [
    ...parts,
    `${canonicalName(text(args[1]))}=${percentEncode(percentDecode(text(args[2])))}`,
  ]);
}

/** Sets the first occurrence and drops the others. */
function setParameter(args: readonly VclValue[]): string {
  const query = splitUrl(text(args[0]));
  const wanted = canonicalName(text(args[1]));
  const item = `${wanted}=${percentEncode(percentDecode(text(args[2])))}`;
  const parts = (query.parts ?? []).filter((part) => part !== "");
  const at = parts.findIndex((part) => nameOf(part) === wanted);
  if (at === -1) return joinUrl(query, [...parts, item]);
  return joinUrl(
    query,
    parts.flatMap((part, i) => (i === at ? [item] : nameOf(part) === wanted ? [] : [part])),
  );
}

/** A function from URL to URL; a URL that is not set stays so. */
function urlFunction(
  signature: string,
  call: (t: Transaction, url: string, args: readonly VclValue[]) => string,
): FunctionRow {
  return defineFunction(signature, QUERY, (t, args) => {
    const url = textOrNull(args[0]);
    return url === null ? null : call(t, url, args);
  });
}

/** `querystring.*` and its old sorting name. */
export const QUERY_FUNCTIONS: readonly FunctionRow[] = [
  defineFunction("STRING querystring.get(STRING url, STRING name)", QUERY, (_t, args) => getParameter(args)),
  urlFunction("STRING querystring.set(STRING url, STRING name, STRING value)", (_t, _url, args) =>
    setParameter(args),
  ),
  urlFunction("STRING querystring.add(STRING url, STRING name, STRING value)", (_t, _url, args) =>
    addParameter(args),
  ),
  urlFunction(
    "STRING querystring.remove(STRING url)",
    (_t, url) => splitUrl(url).path + splitUrl(url).fragment,
  ),
  urlFunction("STRING querystring.clean(STRING url)", (_t, url) =>
    filterParts(url, (part) => nameOf(part) !== ""),
  ),
  defineFunction("STRING querystring.filtersep()", QUERY, () => FILTER_SEPARATOR),
  urlFunction("STRING querystring.filter(STRING url, STRING names)", (_t, url, args) => {
    const isListed = listed(args);
    return filterParts(url, (part) => !isListed(part));
  }),
  urlFunction("STRING querystring.filter_except(STRING url, STRING names)", (_t, url, args) =>
    filterParts(url, listed(args)),
  ),
  urlFunction("STRING querystring.globfilter(STRING url, STRING pattern)", (_t, url, args) =>
    filterParts(url, (part) => !globMatches(text(args[1]), nameOf(part))),
  ),
  urlFunction("STRING querystring.globfilter_except(STRING url, STRING pattern)", (_t, url, args) =>
    filterParts(url, (part) => globMatches(text(args[1]), nameOf(part))),
  ),
  urlFunction("STRING querystring.regfilter(STRING url, REGEX pattern)", (t, url, args) => {
    const matches = regexTest(t, args[1]);
    return filterParts(url, (part) => !matches(part));
  }),
  urlFunction("STRING querystring.regfilter_except(STRING url, REGEX pattern)", (t, url, args) =>
    filterParts(url, regexTest(t, args[1])),
  ),
  urlFunction("STRING querystring.sort(STRING url, [BOOL only_unique_keys])", (_t, url, args) =>
    sortQuery(url, bool(args[1])),
  ),
  urlFunction("STRING boltsort.sort(STRING url, [BOOL only_unique_keys])", (_t, url, args) =>
    sortQuery(url, bool(args[1])),
  ),
];
