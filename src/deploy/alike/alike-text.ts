import { forTerminal } from "../../lib/terminal-text.ts";
import { unexplainedIn } from "./alike.ts";
import type { AlikeReport, EnvironmentDifference } from "./alike.ts";

/** Most lines of one difference that are shown for each side. */
const MOST_LINES = 6;

/** The report for people: what differs, line by line, and which settings say so. */
export function formatAlike(report: AlikeReport): string {
  const [first, second] = report.environments;
  const { differences, withoutEffect } = report;
  const odd = unexplainedIn(report);
  const count = `${differences.length} ${differences.length === 1 ? "difference" : "differences"}`;
  const proof =
    odd.length === 0
      ? `${first} and ${second} are alike: ${count}, each said by a setting`
      : `${first} and ${second} are not alike: of ${count} no setting explains ${odd.length}`;
  const rest =
    withoutEffect.length === 0 ? [] : ["  differ and change nothing at the edge:", ...indent(withoutEffect)];
  return forTerminal([proof, ...differences.flatMap(describeDifference), ...rest].join("\n"));
}

/** One difference as lines: where, what says so, and both sides. */
export function describeDifference(difference: EnvironmentDifference): readonly string[] {
  const { where, from, to, settings, unexplained } = difference;
  const said = [...settings, ...(unexplained ? ["no setting explains it"] : [])].join(", ");
  return [`  ${where} (${said})`, ...sample("-", from), ...sample("+", to)];
}

function sample(sign: string, lines: readonly string[]): readonly string[] {
  const shown = lines.slice(0, MOST_LINES).map((line) => `    ${sign} ${line.trim()}`);
  const more = lines.length - shown.length;
  return more > 0 ? [...shown, `    ${sign} … ${more} more`] : shown;
}

function indent(lines: readonly string[]): readonly string[] {
  return lines.map((line) => `    ${line}`);
}
