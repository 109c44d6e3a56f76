import type { Expectation, RequestSpec } from "./case.ts";
import { isSentOverTls } from "./send.ts";
import type { Answer } from "./send.ts";
import { hostAt } from "./target.ts";
import type { ConformanceTarget } from "./target.ts";

/** A request as it was sent, and what came. */
export interface Exchange {
  readonly sent: RequestSpec;
  readonly answer: Answer;
  readonly target: ConformanceTarget;
}

/** What of an answer is not as expected, one sentence each; empty = all is. */
export function findMismatches(expected: Expectation, exchange: Exchange): readonly string[] {
  const { answer } = exchange;
  const found: string[] = [];
  if (answer.status !== expected.status) found.push(`status is ${answer.status}, not ${expected.status}`);
  for (const [name, wanted] of Object.entries(expected.headers ?? {})) {
    const actual = answer.headers.get(name.toLowerCase());
    const shown = actual === undefined ? "absent" : JSON.stringify(actual);
    if (wanted === null) {
      if (actual !== undefined) found.push(`${name} is ${shown}, not absent`);
    } else if (typeof wanted === "string") {
      const value = fill(wanted, exchange);
      if (actual !== value) found.push(`${name} is ${shown}, not ${JSON.stringify(value)}`);
    } else if (actual === undefined || !new RegExp(wanted.matches).test(actual)) {
      found.push(`${name} is ${shown}, which does not match /${wanted.matches}/`);
    }
  }
  return [...found, ...bodyMismatches(expected, answer)];
}

function bodyMismatches(expected: Expectation, answer: Answer): string[] {
  const { body: wanted } = expected;
  if (!wanted) return [];
  const text = answer.body.toString("utf8");
  const found: string[] = [];
  if (wanted.equals !== undefined && text !== wanted.equals)
    found.push(`body is ${excerpt(text)}, not ${excerpt(wanted.equals)}`);
  if (wanted.contains !== undefined && !text.includes(wanted.contains)) {
    found.push(`body lacks ${JSON.stringify(wanted.contains)}: ${excerpt(text)}`);
  }
  if (wanted.lacks !== undefined && text.includes(wanted.lacks))
    found.push(`body has ${JSON.stringify(wanted.lacks)}`);
  if (wanted.bytes !== undefined && answer.body.length !== wanted.bytes) {
    found.push(`body has ${answer.body.length} bytes, not ${wanted.bytes}`);
  }
  return found;
}

function fill(value: string, { sent, target }: Exchange): string {
  const own = isSentOverTls(sent, target) ? "https" : "http";
  return value.replace(
    /\{(https?|same):([a-z0-9-]+)\}/,
    (_, named: "http" | "https" | "same", label: string) => {
      const scheme = named === "same" ? own : named;
      const port = target.publicPorts[scheme];
      const usual = scheme === "http" ? 80 : 443;
      return `${scheme}://${hostAt(target, label)}${port === usual ? "" : `:${port}`}`;
    },
  );
}

function excerpt(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text);
}
