import { printable } from "./names.ts";
import { parseRule } from "./redirect-rule.ts";
import type { RedirectRule, RuleSource } from "./redirect-rule.ts";

/** Something to say about a rule. */
export interface RuleNote {
  readonly source: RuleSource;
  /** Text of the rule. */
  readonly text: string;
  /** Continues "the rule …". */
  readonly reason: string;
}

export interface ParsedRedirects {
  readonly rules: readonly RedirectRule[];
  readonly problems: readonly RuleNote[];
}

/** Longest line that is read, in characters; Cloudflare Pages has the same limit. */
const LINE_LIMIT = 2_000;

/** Reads the text of a `_redirects` file (UTF-8 already decoded); all problems are reported, not only the first. */
export function parseRedirects(text: string, file: string): ParsedRedirects {
  const rules: RedirectRule[] = [];
  const problems: RuleNote[] = [];
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split(/\r\n|\n|\r/)
    .entries()) {
    const source = { file, line: index + 1 };
    const reason = line.length > LINE_LIMIT ? `has more than ${LINE_LIMIT} characters` : undefined;
    const parsed = reason === undefined ? parseRule(line, source) : { kind: "refused" as const, reason };
    if (parsed.kind === "ok") rules.push(parsed.rule);
    if (parsed.kind === "refused") problems.push({ source, text: line.trim(), reason: parsed.reason });
  }
  return { rules, problems };
}

/** One line for people: `_redirects:12: the rule "/a /b" loops`. */
export function noteText(note: RuleNote): string {
  return `${note.source.file}:${note.source.line}: the rule "${printable(note.text)}" ${note.reason}`;
}
