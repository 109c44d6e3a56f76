import { formatAlike } from "../deploy/alike/alike-text.ts";
import { formatPlan } from "../deploy/plan/plan-text.ts";
import { formatTimings } from "../deploy/apply/step-timer.ts";
import { InterruptedError } from "../lib/interruption.ts";
import { forTerminal } from "../lib/terminal-text.ts";
import { describeStage } from "./ship.ts";
import type { ShipReport } from "./ship.ts";

/** The report for people; `details` adds every plan. */
export function formatShip(report: ShipReport, details: boolean): string {
  const plans = details ? report.stages.map(({ plan }) => `${formatPlan(plan)}\n`) : [];
  return forTerminal([...plans, ...report.alike.map(formatAlike), ...endOf(report)].join("\n"));
}

function endOf({ stages, failure }: ShipReport): readonly string[] {
  const why = failure === null ? [] : [describeEnd(failure)];
  const told = stages.flatMap((stage) => {
    const { result } = stage;
    const steps =
      result && result.outcome !== "unchanged" ? formatTimings(result.timings, result.edgeMs) : [];
    return [describeStage(stage), ...steps];
  });
  return [...told, ...why];
}

function describeEnd(failure: NonNullable<ShipReport["failure"]>): string {
  if (failure instanceof InterruptedError) return `interrupted: ${failure.message}`;
  return `stopped: ${failure.message} [${failure.code}]`;
}

/** Characters of a report as Markdown: a comment on GitHub holds 65,536. */
const MOST_CHARACTERS = 60_000;

/**
 * The report as Markdown, for a comment on a pull request. Whatever comes from templates and services stands in fences
 * that it cannot end.
 */
export function formatShipMarkdown(report: ShipReport): string {
  const names = report.stages.map(({ environment }) => environment).join(" → ");
  const head = [`## sitefleet: ${names}`, "", fenced("text", endOf(report).join("\n"))];
  const sections = [
    ...report.stages.map(({ environment, plan }) => ({
      title: `Plan for ${environment}: ${plan.steps.length} ${plan.steps.length === 1 ? "change" : "changes"}`,
      language: "diff",
      text: formatPlan(plan),
    })),
    ...report.alike.map((one) => ({
      title: `${one.environments.join(" and ")}: ${one.differences.length} differences`,
      language: "diff",
      text: formatAlike(one),
    })),
  ];
  const share = Math.floor(MOST_CHARACTERS / Math.max(1, sections.length));
  const parts = sections.map(({ title, language, text }) => [
    "",
    `<details><summary>${title}</summary>`,
    "",
    fenced(language, shortened(text, share)),
    "",
    "</details>",
  ]);
  return `${[...head, ...parts.flat()].join("\n")}\n`;
}

function shortened(text: string, most: number): string {
  if (text.length <= most) return text;
  return `${text.slice(0, text.lastIndexOf("\n", most))}\n… and more: the whole is in the run's log`;
}

/** A fence longer than any run of backticks in it (CommonMark, fenced code blocks). */
function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}
