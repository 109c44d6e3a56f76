import { printable } from "./names.ts";
import { makeRule } from "./redirect-rule.ts";
import type { ParsedRule, RuleInput, RuleSource } from "./redirect-rule.ts";
import { RULE_STATUSES } from "./rule-slots.ts";
import type { RuleStatus } from "./rule-slots.ts";

/** Status of a rule that names none, as at Netlify and GitLab (Cloudflare takes 302). */
export const DEFAULT_STATUS = 301;

const PAIR = /^([^\s=/]+)=(.*)$/s;
const TARGET = /^(?:\/|https?:\/\/)/;
const STATUS = /^(\d+)(!?)$/;

type Words = Pick<RuleInput, "from" | "query" | "to" | "status" | "forced">;
type Refused = { readonly kind: "refused"; readonly reason: string };

/**
 * Reads one line of a `_redirects` file: `from [name=value …] [to] [status[!]] [# comment]`, what the files of Netlify,
 * Cloudflare Pages and GitLab Pages have in common and what each has alone, with every part that is not supported
 * refused by name.
 */
export function parseRule(line: string, source: RuleSource): ParsedRule {
  const words = line.trim().split(/\s+/);
  const comment = words.findIndex((word) => word.startsWith("#"));
  const tokens = (comment === -1 ? words : words.slice(0, comment)).filter((word) => word !== "");
  const [from, ...rest] = tokens;
  if (from === undefined) return { kind: "blank" };
  const read = STATUS.test(rest[0] ?? "") ? readShort(from, rest) : readLong(from, rest);
  if (read.kind === "refused") return read;
  return makeRule({ source, text: tokens.join(" "), ...read.words });
}

function refused(reason: string): Refused {
  return { kind: "refused", reason };
}

type ReadWords = { readonly kind: "ok"; readonly words: Words } | Refused;

/** `/app/* 200`: the destination is the path itself. */
function readShort(from: string, rest: readonly string[]): ReadWords {
  const tail = readTail(rest);
  if (tail.kind === "refused") return tail;
  if (!from.endsWith("/*") || tail.status !== 200) return refused("has no destination");
  const { status, forced } = tail;
  return { kind: "ok", words: { from, query: [], to: from.replace(/\/\*$/, "/:splat"), status, forced } };
}

function readLong(from: string, rest: readonly string[]): ReadWords {
  const at = rest.findIndex((word) => TARGET.test(word));
  const before = at === -1 ? rest : rest.slice(0, at);
  const odd = before.find((word) => !PAIR.test(word));
  if (odd !== undefined) return refused(wordProblem(odd));
  const to = rest[at];
  if (to === undefined) return refused("has no destination");
  const query = before.map((word): readonly [string, string] => {
    const [, name = "", value = ""] = PAIR.exec(word) ?? [];
    return [name, value];
  });
  const tail = readTail(rest.slice(at + 1));
  if (tail.kind === "refused") return tail;
  return { kind: "ok", words: { from, query, to, status: tail.status, forced: tail.forced } };
}

function wordProblem(word: string): string {
  return `has the destination "${printable(word)}", which is neither a path nor an http(s) URL`;
}

type Tail = { readonly kind: "ok"; readonly status: RuleStatus; readonly forced: boolean } | Refused;

function readTail(words: readonly string[]): Tail {
  const condition = words.find((word) => PAIR.test(word));
  if (condition !== undefined) return refused(conditionProblem(condition));
  const [code, extra] = words;
  if (extra !== undefined) return refused(`has "${printable(extra)}" after the status`);
  if (code === undefined) return { kind: "ok", status: DEFAULT_STATUS, forced: false };
  const [, digits, mark] = STATUS.exec(code) ?? [];
  if (digits === undefined) return refused(`has the status "${printable(code)}", which is no status code`);
  const status = statusOf(digits);
  if (status === undefined) return refused(statusProblem(digits));
  return { kind: "ok", status, forced: mark === "!" };
}

/** The status that three digits are, or `undefined`. */
export function statusOf(digits: string): RuleStatus | undefined {
  return RULE_STATUSES.find((known) => String(known) === digits);
}

/** Why a number is no status of a rule. */
export function statusProblem(code: string): string {
  return `has the status ${printable(code)}; possible are ${RULE_STATUSES.join(", ")}`;
}

/** Why a condition cannot be used, by its name. */
export function conditionProblem(condition: string): string {
  const name = (PAIR.exec(condition)?.[1] ?? condition).toLowerCase();
  const shown = printable(condition);
  switch (name) {
    case "country":
    case "language":
      return `has the condition "${shown}"; answers are kept by their URL alone and cannot differ by ${name}`;
    case "role":
    case "cookie":
      return `has the condition "${shown}"; answers are kept by their URL alone and cannot differ by visitor`;
    case "sign":
    case "signed":
      return `has "${shown}"; signing is for requests to other hosts, which a static site does not make`;
    default:
      return `has "${shown}" behind its destination; a condition on the query stands before it`;
  }
}
