import { forTerminal } from "../../lib/terminal-text.ts";
import { assertNever } from "../../lib/errors.ts";
import { isEmptyPlan } from "./deploy-plan.ts";
import type { DeployPlan, DeployStep, DriftEntry, FieldChange } from "./deploy-plan.ts";
import { foldRevision } from "./folded-diff.ts";
import type { PackageContent } from "../service/compute-content.ts";
import { describeRule } from "../service/service-content.ts";

/** The plan for people: what was changed by hand, what happens in order, the VCL differences, the warnings. */
export function formatPlan(plan: DeployPlan): string {
  const { service, baseVersion } = plan;
  const id = service.id === null ? "does not exist yet" : service.id;
  const live = baseVersion === null ? "nothing is live" : `version ${baseVersion} is live`;
  const head = [
    `${plan.environment}: service "${service.name}" (${id}), ${live}`,
    ...(plan.commit === null ? [] : [`rendered from commit ${plan.commit}`]),
    ...(plan.service.target === "compute" ? [`Compute, revision ${plan.revision}`] : []),
  ];
  const drift = formatDrift(plan);
  const warnings = plan.warnings.map(toWarning);
  if (isEmptyPlan(plan)) return forTerminal([...head, ...drift, ...warnings, "No changes."].join("\n"));
  const folded = plan.diffs.map((diff) => ({ file: diff.file, ...foldRevision(diff, plan.revision) }));
  const stamped = new Set(folded.flatMap(({ file, revisionOnly }) => (revisionOnly ? [file] : [])));
  const steps = plan.steps.flatMap((step) => formatStep(step, stamped).map((line) => `  ${line}`));
  const owed = plan.unverified
    ? [`  ! version ${plan.unverified.version} is live and still has to be verified`]
    : [];
  const diffs = folded.flatMap(({ lines }) => ["", ...lines]);
  const total = formatTotal(plan.steps);
  const blocks = [[...owed, ...steps], drift, warnings].filter((lines) => lines.length > 0);
  const [changes = [], ...rest] = blocks;
  const text = [...head, "", ...changes, ...diffs, ...rest.flatMap((lines) => ["", ...lines]), "", total];
  return forTerminal(text.join("\n"));
}

/** `3 changes: 1 to add, 1 to change, 1 to remove.` */
function formatTotal(steps: readonly DeployStep[]): string {
  const signs = steps.map((step) => formatStep(step)[0]?.charAt(0));
  const count = (sign: string): number => signs.filter((one) => one === sign).length;
  const parts = [
    ["add", count("+")],
    ["change", count("~")],
    ["remove", count("-")],
  ] as const;
  const said = parts.filter(([, number]) => number > 0).map(([verb, number]) => `${number} to ${verb}`);
  const total = `${steps.length} ${steps.length === 1 ? "change" : "changes"}`;
  return said.length === 0 ? `${total}.` : `${total}: ${said.join(", ")}.`;
}

function formatDrift({ drift, driftChoice, takeover }: DeployPlan): readonly string[] {
  if (drift.length === 0) return [];
  if (takeover) return [formatTakeover(driftChoice), ...drift.flatMap(describeDrift)];
  const fate =
    driftChoice === "overwrite"
      ? "will be undone (--overwrite)"
      : "a deploy would undo it, and is refused without --overwrite or --adopt";
  return [`drift: changed by hand since sitefleet last wrote it; ${fate}`, ...drift.flatMap(describeDrift)];
}

function formatTakeover(choice: DeployPlan["driftChoice"]): string {
  const fate =
    choice === "overwrite"
      ? "the first deploy makes it as the settings say (--overwrite)"
      : "the first deploy takes it over, with --overwrite once";
  return `drift: the live version is not sitefleet's, and this in it is not as the settings say; ${fate}`;
}

const SIGNS = { added: "+", changed: "~", removed: "-" } as const;

/** One change by hand as lines. */
export function describeDrift(entry: DriftEntry): readonly string[] {
  const keep = entry.edit === null ? "--adopt keeps it" : `to keep it, edit ${entry.edit}`;
  return [
    `  ${SIGNS[entry.change]} ${entry.kind} "${entry.name}" was ${entry.change} by hand: ${keep}`,
    ...entry.changes.map((change) => `  ${formatChange(change)}`),
  ];
}

function toWarning(line: string): string {
  return `warning: ${line}`;
}

const NONE: ReadonlySet<string> = new Set();

/**
 * One step as a line that starts with `+`, `~` or `-`, and a line for each changed field.
 * @param stamped VCL files in which nothing but the revision changes; default: not told
 */
export function formatStep(step: DeployStep, stamped: ReadonlySet<string> = NONE): readonly string[] {
  switch (step.do) {
    case "create-service":
      return [`+ service "${step.name}"`];
    case "create-store":
      return [`+ ${step.store.kind === "config" ? "Config" : "Secret"} Store "${step.store.name}"`];
    case "put":
      return [
        `${step.change === "create" ? "+" : "~"} ${nameOfPut(step)}${isStamped(step, stamped) ? " (nothing but its revision)" : ""}`,
        ...step.changes.map(formatChange),
      ];
    case "drop":
      return [`- ${step.kind} "${step.kind === "logging" ? `${step.endpoint}/` : ""}${step.name}"`];
    case "set-main":
      return [`~ main VCL is "${step.name}"`];
    case "put-settings":
      return ["~ settings", ...step.changes.map(formatChange)];
    case "put-package":
      return [formatPackage(step)];
    case "put-app-settings":
      return [
        `~ settings of the app${step.changes.length === 0 ? ", for the new version" : ""}`,
        ...step.changes.map(formatChange),
      ];
    case "put-private-items":
      return [formatPrivate(step)];
    case "put-items":
      return [`~ items of dictionary "${step.dictionary}"`, ...step.changes.map(formatChange)];
    case "put-entries":
      return [
        `~ entries of ACL "${step.acl}"`,
        ...step.put.map((rule) => `    + ${describeRule(rule)}${rule.comment && `  # ${rule.comment}`}`),
        ...step.remove.map((rule) => `    - ${describeRule(rule)}`),
      ];
    case "put-record":
      return ["~ record of what is sitefleet's"];
    default:
      return assertNever(step);
  }
}

function formatPackage({ from, package: to }: Extract<DeployStep, { do: "put-package" }>): string {
  const next = describePackage(to);
  return from === null ? `+ package ${next}` : `~ package ${describePackage(from)} -> ${next}`;
}

/** `1a2b3c4d5e6f (4.0 MB)` */
export function describePackage({ filesHash, size }: PackageContent): string {
  const said = size < 100_000 ? `${size} bytes` : `${(size / 1_000_000).toFixed(1)} MB`;
  return `${filesHash.slice(0, 12)} (${said})`;
}

function isStamped(step: Extract<DeployStep, { do: "put" }>, stamped: ReadonlySet<string>): boolean {
  return step.kind === "vcl" && stamped.has(step.object.name);
}

function nameOfPut(step: Extract<DeployStep, { do: "put" }>): string {
  if (step.kind === "logging") return `logging "${step.object.kind}/${step.object.name}"`;
  if (step.kind === "link") return `link "${step.object.name}" to store "${step.object.store}"`;
  const extra = step.kind === "snippet" ? ` (${step.object.type}, priority ${step.object.priority})` : "";
  return `${step.kind} "${step.object.name}"${extra}`;
}

function formatPrivate(step: Extract<DeployStep, { do: "put-private-items" }>): string {
  const removed = step.remove.length === 0 ? "" : `, without ${step.remove.join(", ")}`;
  return `~ private items ${step.keys.join(", ")}${removed} of "${step.dictionary}" (values are never shown)`;
}

/** Longer texts, such as a snippet's, are told by the first line that differs. */
const LONGEST = 120;

function formatChange({ field, from, to }: FieldChange): string {
  const [before, after] = [from.split("\n"), to.split("\n")];
  const same = before.findIndex((line, index) => line !== after[index]);
  const first = same === -1 ? before.length : same;
  // Where one ends the other goes on: then the last line that both have says where.
  const start = Math.max(0, Math.min(first, before.length - 1, after.length - 1));
  const rest = (lines: readonly string[]): string => formatValue(lines.slice(start).join("\n"));
  const where = start === 0 ? "" : ` (line ${start + 1})`;
  return `    ${field}${where}: ${rest(before)} -> ${rest(after)}`;
}

function formatValue(text: string): string {
  if (text === "") return "(unset)";
  const line = text.split("\n", 1)[0] ?? "";
  return line === text && text.length <= LONGEST ? text : `${line.slice(0, LONGEST)}…`;
}
