import { forTerminal } from "../lib/terminal-text.ts";
import { assertNever } from "../lib/errors.ts";
import { isEmptyPlan } from "./plan.ts";
import type { DeployPlan, DeployStep, FieldChange } from "./plan.ts";

/** The plan for people: what happens in order, the VCL differences, the warnings. */
export function formatPlan(plan: DeployPlan): string {
  const { service, baseVersion } = plan;
  const id = service.id === null ? "does not exist yet" : service.id;
  const live = baseVersion === null ? "nothing is live" : `version ${baseVersion} is live`;
  const head = `${plan.environment}: service "${service.name}" (${id}), ${live}`;
  if (isEmptyPlan(plan))
    return forTerminal([head, ...plan.warnings.map(toWarning), "No changes."].join("\n"));
  const steps = plan.steps.flatMap((step) => formatStep(step).map((line) => `  ${line}`));
  const owed = plan.unverified
    ? [`  ! version ${plan.unverified.version} is live and still has to be verified`]
    : [];
  const diffs = plan.diffs.flatMap(({ patch }) => ["", patch.trimEnd()]);
  const warnings = plan.warnings.length === 0 ? [] : ["", ...plan.warnings.map(toWarning)];
  const total = `${plan.steps.length} ${plan.steps.length === 1 ? "change" : "changes"}.`;
  return forTerminal([head, "", ...owed, ...steps, ...diffs, ...warnings, "", total].join("\n"));
}

function toWarning(line: string): string {
  return `warning: ${line}`;
}

/** One step as a line that starts with `+`, `~` or `-`, and a line for each changed field. */
export function formatStep(step: DeployStep): readonly string[] {
  switch (step.do) {
    case "create-service":
      return [`+ service "${step.name}"`];
    case "put":
      return [
        `${step.change === "create" ? "+" : "~"} ${step.kind} "${step.object.name}"`,
        ...step.changes.map(formatChange),
      ];
    case "drop":
      return [`- ${step.kind} "${step.name}"`];
    case "set-main":
      return [`~ main VCL is "${step.name}"`];
    case "put-settings":
      return ["~ settings", ...step.changes.map(formatChange)];
    case "put-private-items":
      return [`~ private items ${step.keys.join(", ")} (values are never shown)`];
    default:
      return assertNever(step);
  }
}

function formatChange({ field, from, to }: FieldChange): string {
  return `    ${field}: ${from === "" ? "(unset)" : from} -> ${to === "" ? "(unset)" : to}`;
}
