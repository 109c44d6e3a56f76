import { printable } from "./names.ts";
import { parseRule } from "./redirect-line.ts";
import type { RedirectRule, RuleSource } from "./redirect-rule.ts";

/** Something to say about a rule, a header or a setting of a site's files. */
export interface RuleNote {
  readonly source: RuleSource;
  /** What stands there. */
  readonly text: string;
  /** Continues "the rule …". */
  readonly reason: string;
  /** What it is about; `rule` when absent. */
  readonly what?: "rule" | "header" | "setting";
}

export interface ParsedRedirects {
  readonly rules: readonly RedirectRule[];
  /** Lines that are no rule; what is to become of the others is the caller's choice. */
  readonly problems: readonly RuleNote[];
}

/** Longest line that is read, in characters; Cloudflare Pages has the same limit. */
export const LINE_LIMIT = 2_000;

/** Lines of a text file, numbered from 1, without a byte order mark. */
export function numberedLines(text: string): readonly { readonly line: number; readonly text: string }[] {
  return text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/)
    .map((line, index) => ({ line: index + 1, text: line }));
}

/** Reads the text of a `_redirects` file (UTF-8 already decoded); all problems are reported, not only the first. */
export function parseRedirects(text: string, file: string): ParsedRedirects {
  const rules: RedirectRule[] = [];
  const problems: RuleNote[] = [];
  for (const { line, text: words } of numberedLines(text)) {
    const source = { file, line };
    const reason = words.length > LINE_LIMIT ? `has more than ${LINE_LIMIT} characters` : undefined;
    const parsed = reason === undefined ? parseRule(words, source) : { kind: "refused" as const, reason };
    if (parsed.kind === "ok") rules.push(parsed.rule);
    if (parsed.kind === "refused") problems.push({ source, text: words.trim(), reason: parsed.reason });
  }
  return { rules, problems };
}

/** One line for people: `_redirects:12: the rule "/a /b" loops`. */
export function noteText(note: RuleNote): string {
  const { source, text, reason, what = "rule" } = note;
  return `${source.file}:${source.line}: the ${what} "${printable(text)}" ${reason}`;
}
