import { RULE_SLOTS } from "./metadata.ts";

export const REDIRECT_STATUSES = [301, 302, 303, 307, 308] as const;
export type RedirectStatus = (typeof REDIRECT_STATUSES)[number];

/** Segments a pattern may have before its splat. */
export const PATTERN_SEGMENT_LIMIT = 8;

/** A redirect rule as the edge matches it. */
export interface SlotRule {
  /** Tried before the page is looked up; the others after a miss. */
  readonly forced: boolean;
  readonly status: RedirectStatus;
  /** Literal segments in `encodePath` form; `null` = placeholder, matches one segment whatever it is. */
  readonly segments: readonly (string | null)[];
  /** A final `/*`: matches the rest of the path, also when there is none. */
  readonly splat: boolean;
  /** Encoded path or absolute URL; `{1}`…`{8}` stand for the segment at that position, `{*}` for the splat. */
  readonly target: string;
}

const SEGMENT = /^(?:[A-Za-z0-9\-_.~]|%[0-9A-F]{2})+$/;
const TARGET_CHARACTERS = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2}|\{[1-8*]\})+$/;
// `//host` and a splat that may be empty before a slash would lead to another host (RFC 3986 section 4.2).
const TARGET_START =
  /^(?:\/(?!\/|\{\*\}\/)|https?:\/\/[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:[/?#]|$))/;

/** Whether a target may stand in a slot or a redirect object: a path or absolute URL whose host no placeholder fills. */
export function isTarget(text: string): boolean {
  return TARGET_START.test(text) && TARGET_CHARACTERS.test(text);
}

/** The pattern's text: `/blog/:/*`. */
export function patternText(rule: Pick<SlotRule, "segments" | "splat">): string {
  const text = rule.segments.map((segment) => `/${segment ?? ":"}`).join("");
  return rule.splat ? `${text}/*` : text;
}

/** One rule as it stands in a slot: `[!]<status> <pattern> <target>`. */
export function ruleText(rule: SlotRule): string {
  return `${rule.forced ? "!" : ""}${rule.status} ${patternText(rule)} ${rule.target}`;
}

/** Why a rule cannot stand in a slot, or `undefined`. */
export function slotRuleProblem(rule: SlotRule): string | undefined {
  if (rule.segments.length > PATTERN_SEGMENT_LIMIT) {
    return `has ${rule.segments.length} segments, the limit is ${PATTERN_SEGMENT_LIMIT}`;
  }
  if (rule.segments.length === 0 && !rule.splat) return "has no segment";
  if (rule.segments.some((segment) => segment !== null && !SEGMENT.test(segment))) {
    return "has a segment that is not percent-encoded";
  }
  if (!isTarget(rule.target)) return "has a target that is neither an encoded path nor an http(s) URL";
  for (const [, name = ""] of rule.target.matchAll(/\{([1-8*])\}/g)) {
    const known = name === "*" ? rule.splat : rule.segments[Number(name) - 1] === null;
    if (!known) return `has a target with {${name}}, which the pattern does not capture`;
  }
  return undefined;
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
  const match = /^(!?)(\d{3}) (\/[^ ]*) ([^ ]+)$/.exec(text);
  if (!match) return undefined;
  const [, force = "", code = "", pattern = "", target = ""] = match;
  const status = REDIRECT_STATUSES.find((known) => String(known) === code);
  if (status === undefined) return undefined;
  const parts = pattern.slice(1).split("/");
  const splat = parts.at(-1) === "*";
  const segments = (splat ? parts.slice(0, -1) : parts).map((part) => (part === ":" ? null : part));
  return { forced: force === "!", status, segments, splat, target };
}

export interface RuleMatch {
  readonly rule: SlotRule;
  /** Index of the rule among those given. */
  readonly index: number;
  /** The target with its placeholders filled. */
  readonly location: string;
}

/**
 * The first rule of the wanted kind that matches an encoded path. This is the reference that the edge's VCL must equal:
 * case counts, one trailing slash of the path does not, a splat also matches nothing.
 */
export function matchRule(
  rules: readonly SlotRule[],
  encodedPath: string,
  wanted: { readonly forced: boolean },
): RuleMatch | undefined {
  const segments = pathSegments(encodedPath);
  for (const [index, rule] of rules.entries()) {
    if (rule.forced === wanted.forced && matchesSegments(rule, segments)) {
      return { rule, index, location: fillTarget(rule, segments) };
    }
  }
  return undefined;
}

/** Whether a rule's pattern matches an encoded path. */
export function matchesPath(rule: SlotRule, encodedPath: string): boolean {
  return matchesSegments(rule, pathSegments(encodedPath));
}

function pathSegments(encodedPath: string): readonly string[] {
  const trimmed = encodedPath.replace(/^\//, "").replace(/\/$/, "");
  return trimmed === "" ? [] : trimmed.split("/");
}

function matchesSegments(rule: SlotRule, segments: readonly string[]): boolean {
  const fits = rule.splat
    ? segments.length >= rule.segments.length
    : segments.length === rule.segments.length;
  return fits && rule.segments.every((wanted, index) => wanted === null || wanted === segments[index]);
}

function fillTarget(rule: SlotRule, segments: readonly string[]): string {
  return rule.target.replaceAll(/\{([1-8*])\}/g, (_, name: string) =>
    name === "*" ? segments.slice(rule.segments.length).join("/") : (segments[Number(name) - 1] ?? ""),
  );
}
