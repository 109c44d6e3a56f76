import { printable } from "./names.ts";
import { decodePath, encodePath, pageKey } from "./page-key.ts";
import { PATTERN_SEGMENT_LIMIT, REDIRECT_STATUSES, isTarget, slotRuleProblem } from "./rule-slots.ts";
import type { RedirectStatus, SlotRule } from "./rule-slots.ts";

/** Where a rule was written: a file's line, or a line of the site's own rules. */
export interface RuleSource {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Name that stands for a file in the source of rules that belong to the site, not to a folder. */
export const SITE_RULES = "site rules";

/** A rule for one path. */
export interface ExactRule {
  readonly kind: "exact";
  readonly source: RuleSource;
  /** The line, comment removed, one space between tokens. */
  readonly text: string;
  readonly forced: boolean;
  readonly status: RedirectStatus;
  /** Encoded path as patterns see it: without `.html`, `/index.html` or a trailing slash. */
  readonly path: string;
  /** Page keys (decoded) at which it answers. */
  readonly keys: readonly string[];
  /** Encoded path or absolute URL. */
  readonly target: string;
}

/** A rule with placeholders or a splat. */
export interface PatternRule {
  readonly kind: "pattern";
  readonly source: RuleSource;
  readonly text: string;
  readonly slot: SlotRule;
}

export type RedirectRule = ExactRule | PatternRule;

export type ParsedRule =
  | { readonly kind: "ok"; readonly rule: RedirectRule }
  | { readonly kind: "blank" }
  | { readonly kind: "refused"; readonly reason: string };

const DEFAULT_STATUS = 301;
const PAIR = /^[A-Za-z_][\w-]*=/;
const PLACEHOLDER = /^:[A-Za-z]\w*$/;

/**
 * Reads one line of a `_redirects` file: `from to [status[!]] [# comment]`, what Netlify, Cloudflare Pages and GitLab
 * Pages have in common, with every part that is not supported refused by name.
 */
export function parseRule(line: string, source: RuleSource): ParsedRule {
  const words = line.trim().split(/\s+/);
  const comment = words.findIndex((word) => word.startsWith("#"));
  const tokens = (comment === -1 ? words : words.slice(0, comment)).filter((word) => word !== "");
  const [from, to, code, ...rest] = tokens;
  if (from === undefined) return { kind: "blank" };
  const shape = destinationProblem(to) ?? trailingProblem(code, rest);
  if (shape !== undefined || to === undefined) return refused(shape ?? "has no destination");
  const status = parseStatus(code);
  if (typeof status === "string") return refused(status);
  const problem = sourceProblem(from);
  if (problem !== undefined) return refused(problem);
  const common = { source, text: tokens.join(" "), ...status };
  return isPattern(from) ? parsePattern({ from, to, ...common }) : parseExact({ from, to, ...common });
}

interface RuleParts {
  readonly from: string;
  readonly to: string;
  readonly source: RuleSource;
  readonly text: string;
  readonly forced: boolean;
  readonly status: RedirectStatus;
}

function refused(reason: string): ParsedRule {
  return { kind: "refused", reason };
}

function destinationProblem(to: string | undefined): string | undefined {
  if (to === undefined || /^\d+!?$/.test(to)) return "has no destination";
  if (/^(?:\/|https?:\/\/)/.test(to)) return undefined;
  if (PAIR.test(to)) return `matches on the query ("${printable(to)}"), which is not supported yet`;
  return `has the destination "${printable(to)}", which is neither a path nor an http(s) URL`;
}

function trailingProblem(code: string | undefined, rest: readonly string[]): string | undefined {
  const condition = [code, ...rest].find((word) => word !== undefined && PAIR.test(word));
  if (condition !== undefined)
    return `has the condition "${printable(condition)}", which is not supported yet`;
  const extra = rest[0];
  return extra === undefined ? undefined : `has "${printable(extra)}" after the status`;
}

function parseStatus(
  code: string | undefined,
): { readonly status: RedirectStatus; readonly forced: boolean } | string {
  if (code === undefined) return { status: DEFAULT_STATUS, forced: false };
  const match = /^(\d{3})(!?)$/.exec(code);
  if (!match) return `has the status "${printable(code)}", which is no status code`;
  const status = REDIRECT_STATUSES.find((known) => String(known) === match[1]);
  if (status !== undefined) return { status, forced: match[2] === "!" };
  if (match[1] === "200") return "is a rewrite (status 200), which is not supported yet";
  if (match[1] === "404" || match[1] === "410" || match[1] === "451") {
    return `answers with status ${match[1]}, which is not supported yet`;
  }
  return `has the status ${match[1]}; possible are ${REDIRECT_STATUSES.join(", ")}`;
}

function sourceProblem(from: string): string | undefined {
  if (/^https?:\/\//.test(from)) return "has a full URL as its source, which is not supported yet";
  if (!from.startsWith("/")) return `has the source "${printable(from)}", which does not begin with \`/\``;
  if (from.includes("?")) return "has a query in its source, which is not supported yet";
  if (from.includes("#")) return "has a fragment in its source, which browsers never send";
  return undefined;
}

function isPattern(from: string): boolean {
  return from.includes("*") || /:[A-Za-z]/.test(from);
}

function parseExact(parts: RuleParts): ParsedRule {
  const decoded = decodePath(parts.from);
  if (decoded.kind === "refused") return refused(`has a source that ${decoded.reason}`);
  const path = decoded.path.normalize("NFC");
  const key = pageKey(path);
  const stem = key.endsWith(".html") ? key.slice(0, -".html".length) : key;
  const target = encodeTarget(parts.to);
  if (!isTarget(target) || /\{/.test(target)) return refused(targetProblem(parts.to));
  // `/v1.2/` and `/v1.2` have two keys; a rule is for both (a trailing slash never makes another rule).
  const dotted = path.endsWith("/") && pageKey(`/${stem}`) === stem;
  return {
    kind: "ok",
    rule: {
      kind: "exact",
      source: parts.source,
      text: parts.text,
      forced: parts.forced,
      status: parts.status,
      path: stem === "index" ? "/" : encodePath(`/${stem}`),
      keys: dotted ? [key, stem] : [key],
      target,
    },
  };
}

function parsePattern(parts: RuleParts): ParsedRule {
  const words = parts.from.split("/").filter((word) => word !== "");
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
  if (segments.length > PATTERN_SEGMENT_LIMIT) {
    return refused(`has ${segments.length} segments, the limit is ${PATTERN_SEGMENT_LIMIT}`);
  }
  const target = patternTarget(parts.to, names);
  if (target.kind === "refused") return target;
  const slot = {
    forced: parts.forced,
    status: parts.status,
    segments,
    splat,
    query: [],
    target: target.text,
  };
  if (slotRuleProblem(slot) !== undefined) return refused(targetProblem(parts.to));
  return { kind: "ok", rule: { kind: "pattern", source: parts.source, text: parts.text, slot } };
}

function segmentProblem(word: string): string | undefined {
  if (word.includes("*")) return "has a `*` that is not the whole last segment";
  if (PLACEHOLDER.test(word) || !/:[A-Za-z]/.test(word)) return undefined;
  return `has a placeholder inside "${printable(word)}"; a placeholder is a whole segment, a literal colon is %3A`;
}

function patternTarget(
  to: string,
  names: ReadonlyMap<string, string>,
): { readonly kind: "ok"; readonly text: string } | { readonly kind: "refused"; readonly reason: string } {
  const unknown = [...to.matchAll(/:([A-Za-z]\w*)/g)].find(([, name = ""]) => !names.has(name));
  if (unknown) {
    const reason = `uses "${unknown[0]}", which its source does not capture (a literal colon is %3A)`;
    return { kind: "refused", reason };
  }
  if (to.includes("*")) {
    return { kind: "refused", reason: "has a `*` in its destination; the matched rest is `:splat`" };
  }
  const filled = encodeTarget(to).replaceAll(
    /:([A-Za-z]\w*)/g,
    (whole, name: string) => names.get(name) ?? whole,
  );
  return { kind: "ok", text: filled };
}

function targetProblem(to: string): string {
  if (to.startsWith("//")) return "has a destination that begins with `//`; write the scheme";
  if (to.startsWith("/:splat/")) return "could lead to another host when `:splat` is empty";
  return `has the destination "${printable(to)}", whose host is not plain ASCII letters, digits, dots and hyphens`;
}

/** Percent-encodes what may not stand in a URL (RFC 3986 section 2), leaving escapes and delimiters as they are. */
function encodeTarget(to: string): string {
  return to
    .replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25")
    .replaceAll(/[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+/g, (run) => encodePath(run.normalize("NFC")));
}
