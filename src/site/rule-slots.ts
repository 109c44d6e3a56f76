import { EDGE_LIMITS } from "./edge-limits.ts";
import { RULE_SLOTS } from "./metadata.ts";
import { decodePath, encodePath } from "./page-key.ts";
import {
  QUERY_CAPTURES,
  keptQuery,
  matchQuery,
  parseQueryText,
  queryProblem,
  queryText,
} from "./query-match.ts";
import type { QueryMatch } from "./query-match.ts";

export const REDIRECT_STATUSES = [301, 302, 303, 307, 308] as const;
export type RedirectStatus = (typeof REDIRECT_STATUSES)[number];

/** Statuses with which a rule shows a page of the site in place, instead of leading elsewhere. */
export const PAGE_STATUSES = [200, 404, 410, 451] as const;
export type PageStatus = (typeof PAGE_STATUSES)[number];

/** Every status that a rule may have. */
export const RULE_STATUSES = [200, 301, 302, 303, 307, 308, 404, 410, 451] as const;
export type RuleStatus = (typeof RULE_STATUSES)[number];

/** Segments a pattern may have before its splat. */
export const PATTERN_SEGMENT_LIMIT = 8;

/** How often a target may be filled in: each time the longest path could go into Location and the edge's workspace. */
export const CAPTURE_LIMIT = 16;

/** A rule as the edge matches it. */
export interface SlotRule {
  /** Tried before the page is looked up; the others after a miss. */
  readonly forced: boolean;
  readonly status: RuleStatus;
  /** Literal segments in `encodePath` form; `null` = placeholder, matches one segment whatever it is. Empty for `/`. */
  readonly segments: readonly (string | null)[];
  /** A final `/*`: matches the rest of the path, also when there is none. */
  readonly splat: boolean;
  /** Conditions on the query, all of which must be met. */
  readonly query: readonly QueryMatch[];
  /**
   * Redirects: encoded path or absolute URL. Page rules: encoded path of the site. `{1}`…`{8}` stand for the segment at
   * that position, `{*}` for the splat, `{a}` and `{b}` for what the first and the second condition captured.
   */
  readonly target: string;
}

const SEGMENT = /^(?:[A-Za-z0-9\-_.~]|%[0-9A-F]{2})+$/;
const CAPTURE = /\{([1-8*ab])\}/g;
const TARGET_CHARACTERS = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2}|\{[1-8*ab]\})+$/;
// `//host` and splats that may be empty before a slash would lead to another host (RFC 3986 section 4.2).
const TARGET_START =
  /^(?:\/(?!(?:\{\*\})*\/)|https?:\/\/[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:[/?#]|$))/;
const PAGE_TARGET = /^\/(?:[A-Za-z0-9\-._~/]|%[0-9A-F]{2}|\{[1-8*ab]\})*$/;

/** Whether a target may stand in a slot or a redirect object: a path or absolute URL whose host no placeholder fills. */
export function isTarget(text: string): boolean {
  return TARGET_START.test(text) && TARGET_CHARACTERS.test(text);
}

/** Whether a target may stand in a page rule: a path of the site in `encodePath` form, without query and fragment. */
export function isPageTarget(text: string): boolean {
  if (!isTarget(text) || !PAGE_TARGET.test(text)) return false;
  const filled = text.replaceAll(CAPTURE, "x");
  const decoded = decodePath(filled);
  return decoded.kind === "ok" && encodePath(decoded.path) === filled;
}

/** Whether a rule shows a page of the site in place; every other rule is a redirect. */
export function isPageRule(rule: { readonly status: RuleStatus }): boolean {
  return isPageStatus(rule.status);
}

export function isPageStatus(status: RuleStatus): status is PageStatus {
  return PAGE_STATUSES.some((known) => known === status);
}

/**
 * Whether a rule is the fallback of an application that draws its pages in the browser: one page, with status 200, for
 * all paths below. It never answers for what looks like a file: HTML with status 200 in place of a missing script is
 * kept by caches as if it were the script.
 */
export function isFallback(rule: SlotRule): boolean {
  return rule.status === 200 && rule.splat && !rule.target.includes("{");
}

/** The pattern's text: `/blog/:/*`. */
export function patternText(rule: Pick<SlotRule, "segments" | "splat">): string {
  const text = rule.segments.map((segment) => `/${segment ?? ":"}`).join("");
  return rule.splat ? `${text}/*` : text === "" ? "/" : text;
}

/** One rule as it stands in a slot: `[!]<status> <pattern> <target>[ <query>]`. */
export function ruleText(rule: SlotRule): string {
  const query = rule.query.length === 0 ? "" : ` ${queryText(rule.query)}`;
  return `${rule.forced ? "!" : ""}${rule.status} ${patternText(rule)} ${rule.target}${query}`;
}

/** Why a rule cannot stand in a slot, or `undefined`. */
export function slotRuleProblem(rule: SlotRule): string | undefined {
  if (rule.segments.length > PATTERN_SEGMENT_LIMIT) {
    return `has ${rule.segments.length} segments, the limit is ${PATTERN_SEGMENT_LIMIT}`;
  }
  if (rule.segments.some((segment) => segment !== null && !SEGMENT.test(segment))) {
    return "has a segment that is not percent-encoded";
  }
  return queryProblem(rule.query) ?? targetProblem(rule);
}

function targetProblem(rule: SlotRule): string | undefined {
  if (isPageRule(rule) && !isPageTarget(rule.target)) return "has a target that is no path of the site";
  if (!isTarget(rule.target)) return "has a target that is neither an encoded path nor an http(s) URL";
  const used = [...rule.target.matchAll(CAPTURE)];
  if (used.length > CAPTURE_LIMIT) {
    return `has a target that is filled in at ${used.length} places, the limit is ${CAPTURE_LIMIT}`;
  }
  for (const [, name = ""] of used) {
    if (!captures(rule, name)) return `has a target with {${name}}, which the pattern does not capture`;
  }
  return undefined;
}

function captures(rule: SlotRule, name: string): boolean {
  if (name === "*") return rule.splat;
  const condition = QUERY_CAPTURES.findIndex((known) => known === name);
  return condition === -1 ? rule.segments[Number(name) - 1] === null : rule.query[condition]?.value === null;
}

/** Rules packed into one metadata value: `<slot>=<rule>` joined by `|`, slots in the order of `RULE_SLOTS`. */
export function packRules(rules: readonly SlotRule[]): string {
  return rules.map((rule, index) => `${RULE_SLOTS.charAt(index)}=${ruleText(rule)}`).join("|");
}

export type UnpackedRules =
  | { readonly kind: "ok"; readonly rules: readonly SlotRule[] }
  | { readonly kind: "refused"; readonly reason: string };

/** Reads a packed value; anything `packRules` would not write is refused. */
export function unpackRules(text: string): UnpackedRules {
  if (text === "") return { kind: "ok", rules: [] };
  const parts = text.split("|");
  if (parts.length > RULE_SLOTS.length) return { kind: "refused", reason: `has ${parts.length} rules` };
  const rules: SlotRule[] = [];
  for (const [index, part] of parts.entries()) {
    const slot = RULE_SLOTS.charAt(index);
    if (!part.startsWith(`${slot}=`)) return { kind: "refused", reason: `slot "${slot}" is missing` };
    const rule = unpackRule(part.slice(2));
    const problem = rule === undefined ? "is malformed" : slotRuleProblem(rule);
    if (rule === undefined || problem !== undefined) {
      return { kind: "refused", reason: `the rule in slot "${slot}" ${problem ?? ""}` };
    }
    rules.push(rule);
  }
  return { kind: "ok", rules };
}

function unpackRule(text: string): SlotRule | undefined {
  const match = /^(!?)(\d{3}) (\/[^ ]*) ([^ ]+)(?: ([^ ]+))?$/.exec(text);
  if (!match) return undefined;
  const [, force = "", code = "", pattern = "", target = "", condition] = match;
  const status = RULE_STATUSES.find((known) => String(known) === code);
  const query = condition === undefined ? [] : parseQueryText(condition);
  if (status === undefined || query === undefined) return undefined;
  const parts = pattern === "/" ? [] : pattern.slice(1).split("/");
  const splat = parts.at(-1) === "*";
  const segments = (splat ? parts.slice(0, -1) : parts).map((part) => (part === ":" ? null : part));
  return { forced: force === "!", status, segments, splat, query, target };
}

/** What is asked for, as rules see it. */
export interface RuleRequest {
  /** Encoded path. */
  readonly path: string;
  /** Query as it came, without its `?`; empty for none. */
  readonly query: string;
}

interface MatchedRule {
  readonly rule: SlotRule;
  /** Index of the rule among those given. */
  readonly index: number;
}

/** The visitor is led to `location`, which gets `query` unless it has one of its own (`redirectLocation`). */
export interface RedirectMatch extends MatchedRule {
  readonly kind: "redirect";
  readonly status: RedirectStatus;
  readonly location: string;
  readonly query: string;
}

/** The page at the encoded path `target` is shown with `status`; no other rule and no canonical redirect applies to it. */
export interface PageMatch extends MatchedRule {
  readonly kind: "page";
  readonly status: PageStatus;
  readonly target: string;
  readonly query: string;
}

export type RuleMatch = RedirectMatch | PageMatch;

/**
 * The first rule of the wanted kind that matches a request. This is the reference that the edge's VCL must equal: case
 * counts, one trailing slash of the path does not, a splat also matches nothing, conditions on the query are met as
 * `matchQuery` says, a fallback does not match a path whose last segment has a dot and does not end in `.html`, and a
 * page rule whose filled target is no path of the site (a captured value made it a dot segment, say), or longer than the
 * edge takes, does not match.
 */
export function matchRule(
  rules: readonly SlotRule[],
  request: RuleRequest,
  wanted: { readonly forced: boolean },
): RuleMatch | undefined {
  const segments = pathSegments(request.path);
  for (const [index, rule] of rules.entries()) {
    if (rule.forced !== wanted.forced || !matchesSegments(rule, segments)) continue;
    if (isFallback(rule) && looksLikeFile(request.path)) continue;
    const match = fill({ rule, index }, request, segments);
    if (match) return match;
  }
  return undefined;
}

function fill(
  matched: MatchedRule,
  request: RuleRequest,
  segments: readonly string[],
): RuleMatch | undefined {
  const { rule } = matched;
  const values = matchQuery(rule.query, request.query);
  if (values === undefined) return undefined;
  const target = fillTarget(rule, segments, values);
  const query = keptQuery(rule.query, request.query);
  const { status } = rule;
  if (!isPageStatus(status)) return { kind: "redirect", ...matched, status, location: target, query };
  // A splat that is empty can leave two slashes, which are one in every path.
  const page = target.replaceAll(/\/{2,}/g, "/");
  const isShown = page.length <= EDGE_LIMITS.path && isPageTarget(page);
  return isShown ? { kind: "page", ...matched, status, target: page, query } : undefined;
}

/** Location of a redirect: the kept query is added unless the target has one, before a fragment. */
export function redirectLocation(match: Pick<RedirectMatch, "location" | "query">): string {
  const parts = /^([^?#]*)(#.*)?$/s.exec(match.location);
  if (!parts || match.query === "") return match.location;
  return `${parts[1] ?? ""}?${match.query}${parts[2] ?? ""}`;
}

/** Whether a rule's pattern matches an encoded path; its conditions on the query are not asked. */
export function matchesPath(rule: SlotRule, encodedPath: string): boolean {
  if (isFallback(rule) && looksLikeFile(encodedPath)) return false;
  return matchesSegments(rule, pathSegments(encodedPath));
}

/** Whether the last segment has a dot and is no page's. A trailing slash makes it a directory. */
function looksLikeFile(encodedPath: string): boolean {
  return /\.[^/]*$/.test(encodedPath) && !encodedPath.endsWith(".html");
}

/** Segments of an encoded path; a slash at its end makes none. */
export function pathSegments(encodedPath: string): readonly string[] {
  const trimmed = encodedPath.replace(/^\//, "").replace(/\/$/, "");
  return trimmed === "" ? [] : trimmed.split("/");
}

function matchesSegments(rule: SlotRule, segments: readonly string[]): boolean {
  const fits = rule.splat
    ? segments.length >= rule.segments.length
    : segments.length === rule.segments.length;
  return fits && rule.segments.every((wanted, index) => wanted === null || wanted === segments[index]);
}

function fillTarget(rule: SlotRule, segments: readonly string[], values: readonly string[]): string {
  return rule.target.replaceAll(CAPTURE, (_, name: string) => {
    if (name === "*") return segments.slice(rule.segments.length).join("/");
    const condition = QUERY_CAPTURES.findIndex((known) => known === name);
    return (condition === -1 ? segments[Number(name) - 1] : values[condition]) ?? "";
  });
}
