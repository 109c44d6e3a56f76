import { assertNever } from "../../lib/errors.ts";
import { forTerminal } from "../../lib/terminal-text.ts";
import type { DriftEntry } from "./deploy-plan.ts";
import { describeDrift, describePackage, formatStep } from "./plan-text.ts";
import { planDeploy } from "./plan.ts";
import type { PackageContent } from "../service/compute-content.ts";
import type { DesiredService } from "../service/desired.ts";
import type { LiveService } from "../live/live.ts";
import { isAbandoned } from "../live/clones.ts";
import type { VersionOrigin } from "../live/clones.ts";
import { ownStamp } from "../live/stamp.ts";
import type { Journal } from "../live/state.ts";

/** What is live, what lies around, what was changed by hand, and what a deploy would do now. */
export interface DeployStatus {
  readonly environment: string;
  readonly service: { readonly id: string; readonly name: string } | null;
  readonly active: VersionStatus | null;
  /** Package of a Compute service's live version. */
  readonly package: PackageContent | null;
  /** Versions that were never live and can still be changed. */
  readonly drafts: readonly VersionStatus[];
  /** How the last change of the live version ended; `null` when nothing is known. */
  readonly lastChange: Journal["state"] | null;
  /** Version that the last change was about: it is live no more where that failed or was interrupted. */
  readonly lastVersion: number | null;
  /** What was changed by hand since sitefleet last wrote it, and is not as wanted. */
  readonly drift: readonly DriftEntry[];
  /** Lines of the plan that a deploy would carry out now; empty when nothing differs. */
  readonly pending: readonly string[];
  readonly warnings: readonly string[];
}

export interface VersionStatus {
  readonly number: number;
  readonly comment: string;
  /** Hash it was rendered with; `null` when sitefleet did not make it, as are all of the following. */
  readonly revision: string | null;
  /** Commit that it was rendered from, where that was known. */
  readonly commit: string | null;
  /** Who deployed it, where that was known. */
  readonly by: string | null;
  /** Version that was live when it was made. */
  readonly from: number | null;
  /** Where it comes from, if it bears no stamp of its own and comes from a version of sitefleet's. */
  readonly origin: VersionOrigin | null;
  /** Whether sitefleet marked it as a draft that nothing will be deployed from. */
  readonly abandoned: boolean;
  /** As Fastly writes times. */
  readonly updatedAt: string;
}

/**
 * Sums a service up; pure.
 * @param origins where versions come from that bear no stamp (`readOrigins`); default: not looked at
 */
export function toStatus(
  desired: DesiredService,
  live: LiveService | undefined,
  origins: ReadonlyMap<number, VersionOrigin> = new Map(),
): DeployStatus {
  const plan = planDeploy(desired, live);
  const versions = live?.versions ?? [];
  const active = versions.find((version) => version.active);
  const toVersionStatus = versionStatusWith(origins);
  return {
    environment: desired.environment,
    service: live ? { id: live.id, name: live.name } : null,
    active: active ? toVersionStatus(active) : null,
    package: live?.active?.content.compute?.package ?? null,
    drafts: versions.filter((version) => !version.active && !version.locked).map(toVersionStatus),
    lastChange: live?.state.journal?.state ?? null,
    lastVersion: live?.state.journal?.version ?? null,
    drift: plan.drift,
    pending: plan.steps.flatMap((step) => formatStep(step)),
    warnings: plan.warnings,
  };
}

function versionStatusWith(
  origins: ReadonlyMap<number, VersionOrigin>,
): (version: LiveService["versions"][number]) => VersionStatus {
  return (version) => {
    const stamp = ownStamp(version);
    return {
      number: version.number,
      comment: version.comment,
      revision: stamp?.revision ?? null,
      commit: stamp?.commit ?? null,
      by: stamp?.by ?? null,
      from: stamp?.from ?? null,
      origin: origins.get(version.number) ?? null,
      abandoned: isAbandoned(version),
      updatedAt: version.updated_at,
    };
  };
}

/** The status for people. */
export function formatStatus(status: DeployStatus): string {
  const { service, active } = status;
  if (!service) return `${status.environment}: the service does not exist yet`;
  const lines = [
    `${status.environment}: service "${service.name}" (${service.id})`,
    `active   ${active ? formatVersion(active) : "nothing"}`,
    ...(status.package === null ? [] : [`package  ${describePackage(status.package)}`]),
    ...(status.lastChange === null ? [] : [`last     ${describeLast(status.lastChange, status)}`]),
    ...status.drafts.map((draft) => `draft    ${formatVersion(draft)}`),
    ...block("drift", status.drift.flatMap(describeDrift), {
      none: "none: nothing was changed by hand",
      some: "changed by hand since the last deploy:",
    }),
    ...block(
      "pending",
      status.pending.map((line) => `  ${line}`),
      {
        none: "none: what is live is what would be deployed",
        some: "a deploy would do now:",
      },
    ),
    ...status.warnings.map((line) => `warning: ${line}`),
  ];
  return forTerminal(lines.join("\n"));
}

function describeLast(
  change: Journal["state"],
  { lastVersion, active }: Pick<DeployStatus, "lastVersion" | "active">,
): string {
  const version = `version ${lastVersion ?? "?"}`;
  switch (change) {
    case "verified":
      return "verified";
    case "failed":
      return `${version} failed and was taken back`;
    case "interrupted":
      return `${version} was interrupted and taken back`;
    case "activating":
      // Its run may be under way, may have been cut off, or may have ended with what was live before.
      return lastVersion === active?.number
        ? `${version} has not passed verification`
        : `${version} was about to be made live, and is not live`;
    default:
      return assertNever(change);
  }
}

function block(
  name: string,
  lines: readonly string[],
  words: { readonly none: string; readonly some: string },
): readonly string[] {
  const label = name.padEnd(9);
  return lines.length === 0 ? [`${label}${words.none}`] : [`${label}${words.some}`, ...lines];
}

/** `version 12  2026-01-02T03:04:05Z  commit 1a2b3c4  by alice  revision 5d6e`; of other versions what is known of them. */
function formatVersion(version: VersionStatus): string {
  const { number, updatedAt, revision, commit, by } = version;
  const made = [
    ...(commit === null ? [] : [`commit ${commit}`]),
    ...(by === null ? [] : [`by ${by}`]),
    `revision ${revision ?? ""}`,
  ];
  const rest = revision === null ? describeOther(version) : made;
  return [`version ${number}`, updatedAt, ...rest].filter((part) => part !== "").join("  ");
}

/** A version without a stamp of its own. */
function describeOther({ number, comment, origin, abandoned }: VersionStatus): readonly string[] {
  if (abandoned) return ["a draft of sitefleet's that nothing will be deployed from"];
  const said = comment === "" ? "" : `"${comment}"`;
  if (!origin) return [said, "not made by sitefleet"];
  if (origin.version === number) return [said, "made by sitefleet, and its comment changed by hand"];
  const state = origin.unchanged ? "nothing in it changed" : "changed since";
  return origin.commentKept
    ? [`a clone of version ${origin.version} of sitefleet's: comment kept, ${state}`]
    : [said, `a clone of version ${origin.version} of sitefleet's: ${state} but the comment`];
}
