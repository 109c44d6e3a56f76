import { printable } from "./names.ts";
import { decodePath, encodePath, pageKey } from "./page-key.ts";
import { QUERY_CAPTURES, QUERY_MATCH_LIMIT, encodeQueryValue, isQueryName } from "./query-match.ts";
import type { QueryMatch } from "./query-match.ts";
import { makeTarget } from "./redirect-target.ts";
import { PATTERN_SEGMENT_LIMIT, slotRuleProblem } from "./rule-slots.ts";
import type { RuleStatus, SlotRule } from "./rule-slots.ts";

/** Where a rule was written: a file's line, or a line of the site's own rules. */
export interface RuleSource {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Name that stands for a file in the source of rules that belong to the site, not to a folder. */
export const SITE_RULES = "site rules";

/** A rule for one path, whatever the query. */
export interface ExactRule {
  readonly kind: "exact";
  readonly source: RuleSource;
  /** A line of a `_redirects` file that says the same; one space between words. */
  readonly text: string;
  readonly forced: boolean;
  readonly status: RuleStatus;
  /** Encoded path without `.html`, `/index.html` or a trailing slash. */
  readonly path: string;
  /** The paths that patterns have to match for the rule: `path`, and the one that was written where it differs. */
  readonly spellings: readonly string[];
  /** Page keys (decoded) at which it answers. */
  readonly keys: readonly string[];
  /** Redirects: encoded path or absolute URL. Page rules: encoded path of the page. */
  readonly target: string;
}

/** A rule with placeholders, a splat or conditions on the query. */
export interface PatternRule {
  readonly kind: "pattern";
  readonly source: RuleSource;
  readonly text: string;
  /** One; two for a page that was written with `.html`. */
  readonly slots: readonly SlotRule[];
}

export type RedirectRule = ExactRule | PatternRule;

export type ParsedRule =
  | { readonly kind: "ok"; readonly rule: RedirectRule }
  | { readonly kind: "blank" }
  | { readonly kind: "refused"; readonly reason: string };

/** A rule as one of the file formats says it. */
export interface RuleInput {
  readonly source: RuleSource;
  readonly text: string;
  readonly from: string;
  /** Conditions on the query, name and value; the value `:name` captures. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Path or absolute http(s) URL. */
  readonly to: string;
  readonly status: RuleStatus;
  readonly forced: boolean;
}

const PLACEHOLDER = /^:[A-Za-z]\w*$/;

/** Builds a rule, or says why it cannot be one; the reason continues "the rule …". */
export function makeRule(input: RuleInput): ParsedRule {
  const problem = sourceProblem(input.from) ?? queryPairsProblem(input.query);
  if (problem !== undefined) return refused(problem);
  const from = input.from.startsWith("/") ? input.from : `/${input.from}`;
  const isPattern = from.includes("*") || /:[A-Za-z]/.test(from);
  if (isPattern) return makePattern({ ...input, from });
  return input.query.length > 0 ? makeConditional({ ...input, from }) : makeExact({ ...input, from });
}

function refused(reason: string): { readonly kind: "refused"; readonly reason: string } {
  return { kind: "refused", reason };
}

function sourceProblem(from: string): string | undefined {
  if (/^https?:\/\//i.test(from)) {
    return "has a full URL as its source; a rule is for all domains of the site, so write the path alone";
  }
  if (from.startsWith("//")) return "has a source that begins with `//`";
  if (/^\/?\.netlify(?:\/|$)/.test(from)) return "is for `/.netlify/`, where Netlify has its own services";
  if (from.includes("?")) return "has a query in its source; write it behind the path, as `/path name=value`";
  if (from.includes("#")) return "has a fragment in its source, which browsers never send";
  return undefined;
}

function queryPairsProblem(pairs: RuleInput["query"]): string | undefined {
  if (pairs.length > QUERY_MATCH_LIMIT) {
    return `has ${pairs.length} conditions on the query, the limit is ${QUERY_MATCH_LIMIT}`;
  }
  const odd = pairs.find(([name]) => !isQueryName(name));
  if (odd) {
    return `matches on the query parameter "${printable(odd[0])}"; names may have letters, digits and \`-._~\`, up to 64`;
  }
  if (new Set(pairs.map(([name]) => name)).size < pairs.length) return "names a query parameter twice";
  return undefined;
}

function makeExact(input: RuleInput): ParsedRule {
  const place = pageOf(input.from);
  if (place.kind === "refused") return place;
  const target = makeTarget({ ...input, names: undefined });
  if (target.kind === "refused") return target;
  const { source, text, forced, status } = input;
  const { path, spellings, keys } = place;
  return {
    kind: "ok",
    rule: { kind: "exact", source, text, forced, status, path, spellings, keys, target: target.text },
  };
}

type PagePlace =
  | {
      readonly kind: "ok";
      readonly path: string;
      readonly spellings: readonly string[];
      readonly keys: readonly string[];
    }
  | { readonly kind: "refused"; readonly reason: string };

/** What a path names, however it is spelled. */
function pageOf(from: string): PagePlace {
  const decoded = decodePath(from);
  if (decoded.kind === "refused") return refused(`has a source that ${decoded.reason}`);
  const path = decoded.path.normalize("NFC");
  const key = pageKey(path);
  const stem = key.endsWith(".html") ? key.slice(0, -".html".length) : key;
  // `/v1.2/` and `/v1.2` have two keys; a rule is for both (a trailing slash never makes another rule).
  const dotted = path.endsWith("/") && pageKey(`/${stem}`) === stem;
  const plain = stem === "index" ? "/" : encodePath(`/${stem}`);
  const written = encodePath(path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path);
  return {
    kind: "ok",
    path: plain,
    spellings: written === plain ? [plain] : [plain, written],
    keys: dotted ? [key, stem] : [key],
  };
}

/** An object cannot ask for the query, so a rule for one path that does is matched like a pattern. */
function makeConditional(input: RuleInput): ParsedRule {
  const place = pageOf(input.from);
  if (place.kind === "refused") return place;
  const patterns = place.spellings.map((path) => ({
    segments: path.split("/").filter((segment) => segment !== ""),
    splat: false,
    names: new Map<string, string>(),
  }));
  return withSlots(input, patterns);
}

interface Pattern {
  readonly segments: readonly (string | null)[];
  readonly splat: boolean;
  /** What each placeholder stands for in the target. */
  readonly names: ReadonlyMap<string, string>;
}

function makePattern(input: RuleInput): ParsedRule {
  const words = input.from.split("/").filter((word) => word !== "");
  const splat = words.at(-1) === "*";
  const names = new Map<string, string>(splat ? [["splat", "{*}"]] : []);
  const segments: (string | null)[] = [];
  for (const [index, word] of (splat ? words.slice(0, -1) : words).entries()) {
    const problem = segmentProblem(word);
    if (problem !== undefined) return refused(problem);
    if (!PLACEHOLDER.test(word)) {
      const decoded = decodePath(`/${word}`);
      if (decoded.kind === "refused") return refused(`has a source that ${decoded.reason}`);
      segments.push(encodePath(decoded.path.slice(1).normalize("NFC")));
      continue;
    }
    if (names.has(word.slice(1))) return refused(`names "${word}" twice`);
    names.set(word.slice(1), `{${index + 1}}`);
    segments.push(null);
  }
  return withSlots(input, [{ segments, splat, names }]);
}

function segmentProblem(word: string): string | undefined {
  if (word.includes("*")) return "has a `*` that is not the whole last segment";
  if (PLACEHOLDER.test(word) || !/:[A-Za-z]/.test(word)) return undefined;
  return `has a placeholder inside "${printable(word)}"; a placeholder is a whole segment, a literal colon is %3A`;
}

function withSlots(input: RuleInput, patterns: readonly Pattern[]): ParsedRule {
  const slots: SlotRule[] = [];
  for (const { segments, splat, names } of patterns) {
    if (segments.length > PATTERN_SEGMENT_LIMIT) {
      return refused(`has ${segments.length} segments, the limit is ${PATTERN_SEGMENT_LIMIT}`);
    }
    const query = readPairs(input.query, names);
    if (query.kind === "refused") return query;
    const target = makeTarget({ ...input, names: query.names });
    if (target.kind === "refused") return target;
    const { forced, status } = input;
    const slot = { forced, status, segments, splat, query: query.matches, target: target.text };
    const problem = slotRuleProblem(slot);
    if (problem !== undefined) return refused(problem);
    slots.push(slot);
  }
  return { kind: "ok", rule: { kind: "pattern", source: input.source, text: input.text, slots } };
}

type ReadPairs =
  | {
      readonly kind: "ok";
      readonly matches: readonly QueryMatch[];
      readonly names: ReadonlyMap<string, string>;
    }
  | { readonly kind: "refused"; readonly reason: string };

function readPairs(pairs: RuleInput["query"], known: ReadonlyMap<string, string>): ReadPairs {
  const names = new Map(known);
  const matches: QueryMatch[] = [];
  for (const [index, [name, value]] of pairs.entries()) {
    if (PLACEHOLDER.test(value)) {
      if (names.has(value.slice(1))) return refused(`names "${value}" twice`);
      names.set(value.slice(1), `{${QUERY_CAPTURES[index] ?? ""}}`);
      matches.push({ name, value: null });
      continue;
    }
    const literal = literalValue(value);
    if (literal === undefined) {
      return refused(`matches on the query value "${printable(value)}", which is not percent-encoded UTF-8`);
    }
    matches.push({ name, value: literal });
  }
  return { kind: "ok", matches, names };
}

/** A value in the spelling in which the edge compares it. */
function literalValue(value: string): string | undefined {
  try {
    const decoded = decodeURIComponent(value);
    return /[\u0000-\u001f\u007f]/.test(decoded) ? undefined : encodeQueryValue(decoded);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

/** The line of a `_redirects` file that says what a rule of another format does; white space is escaped. */
export function ruleLine(input: Omit<RuleInput, "text" | "source">): string {
  const pairs = input.query.map(([name, value]) => `${name}=${value}`);
  const status = `${input.status}${input.forced ? "!" : ""}`;
  return [input.from, ...pairs, input.to, status]
    .map((word) => word.replaceAll(/\s/g, encodeURIComponent))
    .join(" ");
}
