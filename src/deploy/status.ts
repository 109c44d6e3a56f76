import { forTerminal } from "../lib/terminal-text.ts";
import { formatStep } from "./plan-text.ts";
import { planDeploy } from "./plan.ts";
import type { DesiredService } from "./desired.ts";
import type { LiveService } from "./live.ts";
import { ownStamp } from "./stamp.ts";

/** What is live, what lies around, and how it differs from what would be deployed now. */
export interface DeployStatus {
  readonly environment: string;
  readonly service: { readonly id: string; readonly name: string } | null;
  readonly active: VersionStatus | null;
  /** Versions that were never live and can still be changed. */
  readonly drafts: readonly VersionStatus[];
  /** How the last change of the live version ended; `null` when nothing is known. */
  readonly lastChange: "activating" | "verified" | "failed" | null;
  /** Lines of the plan that a deploy would carry out now; empty when nothing differs. */
  readonly drift: readonly string[];
  readonly warnings: readonly string[];
}

export interface VersionStatus {
  readonly number: number;
  readonly comment: string;
  /** Hash it was rendered with; `null` when sitefleet did not make it. */
  readonly revision: string | null;
  /** As Fastly writes times. */
  readonly updatedAt: string;
}

/** Sums a service up; pure. */
export function toStatus(desired: DesiredService, live: LiveService | undefined): DeployStatus {
  const plan = planDeploy(desired, live);
  const versions = (live?.versions ?? []).map((version) => ({
    ...version,
    status: {
      number: version.number,
      comment: version.comment,
      revision: ownStamp(version)?.revision ?? null,
      updatedAt: version.updated_at,
    },
  }));
  return {
    environment: desired.environment,
    service: live ? { id: live.id, name: live.name } : null,
    active: versions.find(({ active }) => active)?.status ?? null,
    drafts: versions.filter(({ active, locked }) => !active && !locked).map(({ status }) => status),
    lastChange: live?.state.journal?.state ?? null,
    drift: plan.steps.flatMap(formatStep),
    warnings: plan.warnings,
  };
}

/** The status for people. */
export function formatStatus(status: DeployStatus): string {
  const { service, active } = status;
  if (!service) return `${status.environment}: the service does not exist yet`;
  const drafts = status.drafts.map((draft) => `draft    ${formatVersion(draft)}`);
  const drift =
    status.drift.length === 0
      ? ["drift    none: what is live is what would be deployed"]
      : [
          "drift    what is live differs from what would be deployed:",
          ...status.drift.map((line) => `  ${line}`),
        ];
  const lines = [
    `${status.environment}: service "${service.name}" (${service.id})`,
    `active   ${active ? formatVersion(active) : "nothing"}`,
    ...(status.lastChange === null ? [] : [`last     ${status.lastChange}`]),
    ...drafts,
    ...drift,
    ...status.warnings.map((line) => `warning: ${line}`),
  ];
  return forTerminal(lines.join("\n"));
}

function formatVersion({ number, comment, updatedAt }: VersionStatus): string {
  return [`version ${number}`, updatedAt, comment].filter((part) => part !== "").join("  ");
}
