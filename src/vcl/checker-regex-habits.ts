import type { BinaryExpression, StringLiteral } from "./ast.ts";
import type { Findings } from "./checker-findings.ts";

/**
 * What Fastly's compiler warns of in patterns that do match something, but hardly what was meant
 * (reference/changes/2020/04/vcl-changes, "Linting changes").
 */
export function checkPatternHabits({ left, right }: BinaryExpression, findings: Findings): void {
  if (left.kind !== "identifier" || right.kind !== "string") return;
  if (HOST.test(left.name)) checkHostPattern(right, findings);
  else if (URL.test(left.name)) checkFilePattern(right, findings);
}

const HOST = /^(?:(?:be)?req\.http\.host|fastly_info\.host_header)$/i;
const URL = /^(?:be)?req\.url(?:\.path|\.basename)?$/;

/** A bare dot between what can stand in a name: `www.example`, `).com`. */
const HOST_DOT = /[A-Za-z0-9)-]\.[A-Za-z0-9(]/;

const EXTENSION =
  "(?:asp|aspx|avif|bmp|cgi|css|csv|docx?|eot|gif|gz|html?|ico|jpe?g|js|json|jsp|map|md|mp3|mp4|otf|pdf|php|png|svg|tar|ttf|txt|wasm|webm|webp|woff2?|xlsx?|xml|zip)";
/** One extension or a group of them. */
const EXTENSIONS = `(?:${EXTENSION}|\\((?:\\?:)?${EXTENSION}(?:\\|${EXTENSION})*\\))`;
const UNANCHORED = new RegExp(`\\\\\\.${EXTENSIONS}$`, "i");
const BARE_DOT = new RegExp(`(?:^|[^\\\\])\\.${EXTENSIONS}\\$?$`, "i");

function checkHostPattern(literal: StringLiteral, findings: Findings): void {
  if (!HOST_DOT.test(withoutClasses(literal.value))) return;
  findings.report("regex/bare-dot", literal.span, 'the dot matches any byte: a dot of a host name is "\\."');
}

function checkFilePattern(literal: StringLiteral, findings: Findings): void {
  if (UNANCHORED.test(literal.value)) {
    const message = 'this matches the extension anywhere: end the pattern with "$", on req.url.path';
    findings.report("regex/unanchored-extension", literal.span, message);
  } else if (BARE_DOT.test(literal.value)) {
    findings.report(
      "regex/bare-dot",
      literal.span,
      'the dot matches any byte: a dot of a file name is "\\."',
    );
  }
}

/** Dots in brackets and escaped ones are literal. */
function withoutClasses(pattern: string): string {
  return pattern.replaceAll(/\\./g, "\\").replaceAll(/\[[^\]]*\]/g, "");
}
