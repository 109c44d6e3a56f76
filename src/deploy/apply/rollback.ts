import { DICTIONARY } from "../../fastly/objects.ts";
import type { VersionInfo } from "../../fastly/wire.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { activateAndVerify } from "./activate.ts";
import type { ApplyOptions, DeployResult } from "./apply.ts";
import { STATE_DICTIONARY } from "../service/desired.ts";
import type { DesiredService } from "../service/desired.ts";
import { findService } from "../live/live.ts";
import { ownStamp, parseStamp } from "../live/stamp.ts";
import { StepTimer } from "./step-timer.ts";

/** What a rollback would do. */
export interface RollbackPlan {
  readonly serviceId: string;
  /** Version that is live. */
  readonly from: number;
  readonly to: number;
  /** Hash the target was rendered with; `undefined` when sitefleet did not make it. */
  readonly revision: string | undefined;
  /** Digest of what was written to the target, where its stamp tells. */
  readonly content: string | undefined;
  readonly versions: readonly VersionInfo[];
}

/**
 * Finds the version to go back to: the one asked for, else the one that the live version was made from.
 * @throws SitefleetError `deploy/no-service`, `deploy/invalid-version`
 */
export async function planRollback(
  client: ApplyOptions["client"],
  request: { readonly service: DesiredService["service"]; readonly to: number | undefined },
): Promise<RollbackPlan> {
  const service = await findService(client, request.service);
  if (!service) {
    throw new SitefleetError("deploy/no-service", `Fastly has no service named "${request.service.name}"`, {
      hint: "deploy it first",
    });
  }
  const active = service.versions.find((version) => version.active);
  if (!active) {
    throw new SitefleetError("deploy/invalid-version", `nothing is live on service "${service.name}"`, {
      hint: "deploy with `sitefleet deploy apply`",
    });
  }
  const target = chooseTarget(service.versions, { active, to: request.to });
  return {
    serviceId: service.id,
    from: active.number,
    to: target.number,
    revision: parseStamp(target.comment)?.revision,
    content: ownStamp(target)?.content ?? undefined,
    versions: service.versions,
  };
}

/**
 * Activates the target and verifies it; nothing happens when it is live already.
 * @throws SitefleetError `deploy/verification-failed`, `deploy/activation-not-seen` (the live version was put back)
 */
export async function applyRollback(
  plan: RollbackPlan,
  options: Pick<
    ApplyOptions,
    "client" | "checks" | "clock" | "signal" | "progress" | "activationDeadlineMs" | "timer"
  >,
): Promise<DeployResult> {
  const { serviceId, from, to } = plan;
  const { client, checks, clock, signal, progress, timer = new StepTimer(clock) } = options;
  timer.end("plan");
  const result = { serviceId, version: to, former: from };
  if (from === to) return { outcome: "unchanged", ...result, timings: timer.timings, edgeMs: timer.edgeMs };
  const dictionaries = await client.list(DICTIONARY, { serviceId, version: to });
  await activateAndVerify({
    client,
    checks,
    clock,
    signal,
    progress,
    serviceId,
    versions: plan.versions,
    version: to,
    revision: plan.revision,
    former: from,
    content: plan.content,
    stateDictionary: dictionaries.find(({ name }) => name === STATE_DICTIONARY)?.id,
    deadlineMs: options.activationDeadlineMs ?? 120_000,
    lasting: [],
    files: [],
    timer,
  });
  return { outcome: "deployed", ...result, timings: timer.timings, edgeMs: timer.edgeMs };
}

function chooseTarget(
  versions: readonly VersionInfo[],
  choice: { readonly active: VersionInfo; readonly to: number | undefined },
): VersionInfo {
  const { active, to } = choice;
  const usable = versions.filter(({ locked }) => locked);
  const known = usable.map(({ number }) => number).join(", ") || "none";
  if (to === undefined) {
    const from = ownStamp(active)?.from;
    const target = usable.find(({ number }) => number === from);
    if (target) return target;
    throw new SitefleetError(
      "deploy/invalid-version",
      `version ${active.number} does not say which version was live before it`,
      { hint: `name one with --to; versions that were live: ${known}` },
    );
  }
  const target = usable.find(({ number }) => number === to);
  if (target) return target;
  throw new SitefleetError("deploy/invalid-version", `version ${to} does not exist or was never live`, {
    hint: `versions that were live: ${known}`,
  });
}
