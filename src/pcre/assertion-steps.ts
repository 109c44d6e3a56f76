import { assertNever } from "../lib/errors.ts";
import { WORD } from "./byte-set.ts";
import { fail } from "./machine.ts";
import type { Machine, Step } from "./machine.ts";
import { endsNewline, newlineLength } from "./newline.ts";
import type { Assertion, Newline } from "./syntax.ts";

type Test = (m: Machine) => boolean;

function isWordAt(m: Machine, at: number): boolean {
  return at >= 0 && at < m.end && WORD[m.subject.charCodeAt(at)] === 1;
}

function endOrNewline(newline: Newline): Test {
  if (newline === "lf")
    return (m) => m.pos === m.end || (m.pos === m.end - 1 && m.subject.charCodeAt(m.pos) === 10);
  return (m) => {
    if (m.pos === m.end) return true;
    const length = newlineLength(m.subject, m.pos, newline);
    return length > 0 && m.pos + length === m.end;
  };
}

function testOf(assertion: Assertion, newline: Newline): Test {
  switch (assertion) {
    case "subject-start":
      return (m) => m.pos === 0;
    // Not after a newline that ends the subject, as PCRE2 without ALT_CIRCUMFLEX.
    case "line-start":
      return (m) => m.pos === 0 || (m.pos !== m.end && endsNewline(m.subject, m.pos, newline));
    case "search-start":
      return (m) => m.pos === m.from;
    case "subject-end":
      return (m) => m.pos === m.end;
    case "subject-end-or-newline":
      return endOrNewline(newline);
    case "line-end":
      return (m) => m.pos === m.end || newlineLength(m.subject, m.pos, newline) > 0;
    case "word-boundary":
      return (m) => isWordAt(m, m.pos - 1) !== isWordAt(m, m.pos);
    case "not-word-boundary":
      return (m) => isWordAt(m, m.pos - 1) === isWordAt(m, m.pos);
    default:
      return assertNever(assertion);
  }
}

export function assertionStep(assertion: Assertion, newline: Newline, next: Step): Step {
  const test = testOf(assertion, newline);
  return (m) => (test(m) ? next : fail(m));
}
