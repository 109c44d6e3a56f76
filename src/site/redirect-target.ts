import { printable } from "./names.ts";
import { decodePath, encodePath } from "./page-key.ts";
import { isPageStatus, isPageTarget, isTarget } from "./rule-slots.ts";
import type { RuleStatus } from "./rule-slots.ts";

/** A rule's target as it was written, and what it needs to become one that the edge can use. */
export interface TargetInput {
  readonly to: string;
  readonly status: RuleStatus;
  /** What each placeholder of the source stands for in the target; `undefined` = none, a colon is a colon. */
  readonly names: ReadonlyMap<string, string> | undefined;
}

export type Target =
  { readonly kind: "ok"; readonly text: string } | { readonly kind: "refused"; readonly reason: string };

const NAME = /:([A-Za-z]\w*)/g;

/** The target in the form of `SlotRule.target`, or why it cannot be used; the reason continues "the rule …". */
export function makeTarget(input: TargetInput): Target {
  const { to, status, names } = input;
  const reason = namesProblem(input);
  if (reason !== undefined) return { kind: "refused", reason };
  if (!isPageStatus(status)) {
    const text = fillNames(encodeTarget(to), names);
    return isTarget(text) ? { kind: "ok", text } : { kind: "refused", reason: redirectProblem(to) };
  }
  const page = pageProblem(to, status);
  if (page !== undefined) return { kind: "refused", reason: page };
  const text = encodePageTarget(to, names);
  if (isPageTarget(text)) return { kind: "ok", text };
  return { kind: "refused", reason: `has the destination "${printable(to)}", which is no path of a page` };
}

function namesProblem({ to, names }: TargetInput): string | undefined {
  if (names === undefined) return undefined;
  const unknown = [...to.matchAll(NAME)].find(([, name = ""]) => !names.has(name));
  if (unknown) return `uses "${unknown[0]}", which its source does not capture (a literal colon is %3A)`;
  return to.includes("*") ? "has a `*` in its destination; the matched rest is `:splat`" : undefined;
}

function fillNames(encoded: string, names: ReadonlyMap<string, string> | undefined): string {
  return names === undefined
    ? encoded
    : encoded.replaceAll(NAME, (whole, name: string) => names.get(name) ?? whole);
}

function redirectProblem(to: string): string {
  if (to.startsWith("//")) return "has a destination that begins with `//`; write the scheme";
  if (/^\/(?::splat)+\//.test(to)) return "could lead to another host when `:splat` is empty";
  return `has the destination "${printable(to)}", whose host is not plain ASCII letters, digits, dots and hyphens`;
}

function pageProblem(to: string, status: RuleStatus): string | undefined {
  if (!to.startsWith("/")) {
    return `would fetch another host's page and show it with status ${status}, which a static site cannot do; redirect to it`;
  }
  if (to.startsWith("//")) return "has a destination that begins with `//`";
  if (/[?#]/.test(to)) return `shows a page with status ${status}, whose path has neither query nor fragment`;
  const decoded = decodePath(to.replaceAll(NAME, "x"));
  return decoded.kind === "refused" ? `has a destination that ${decoded.reason}` : undefined;
}

/** A page's path is looked up as it is, so it has the one spelling that keys have. */
function encodePageTarget(to: string, names: ReadonlyMap<string, string> | undefined): string {
  const pieces = names === undefined ? [to] : to.split(NAME);
  const text = pieces
    .map((piece, index) =>
      index % 2 === 1 ? (names?.get(piece) ?? "") : encodePath(decodeURIComponent(piece).normalize("NFC")),
    )
    .join("");
  return text.replaceAll(/\/{2,}/g, "/");
}

/** Percent-encodes what may not stand in a URL (RFC 3986 section 2), leaving escapes and delimiters as they are. */
function encodeTarget(to: string): string {
  return to
    .replaceAll(/%(?![0-9A-Fa-f]{2})/g, "%25")
    .replaceAll(/[^A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+/g, (run) => encodePath(run.normalize("NFC")));
}
