import { readLive } from "../../deploy/live/live.ts";
import type { LiveService } from "../../deploy/live/live.ts";
import { isVerified } from "../../deploy/live/state.ts";
import { describeDrift } from "../../deploy/plan/plan-text.ts";
import { planDeploy } from "../../deploy/plan/plan.ts";
import { toStatus } from "../../deploy/plan/status.ts";
import type { DeploySession } from "../../fleet/deploy-session.ts";
import { edgeChecksFor } from "../../fleet/edge-checks.ts";
import { PRIVATE_DICTIONARY } from "../../render/constants.ts";
import { checkCompute } from "./check-compute.ts";
import { checked, fail, ok, skipped, warn } from "./check.ts";
import type { CheckResult, DoctorJob } from "./check.ts";

/** The service, what is live, what differs, the private items, and what the edge itself says. */
export async function checkService(
  job: DoctorJob,
  session: DeploySession,
): Promise<{ readonly results: readonly CheckResult[]; readonly serviceId: string | undefined }> {
  let live: LiveService | undefined;
  const service = await checked("fastly/service", async () => {
    live = await readLive(session.client, session.desired.service, session.desired);
    return describeService(job, session, live);
  });
  const others = await checkAlsoPurged(session);
  if (live === undefined) return { results: [...service, ...others], serviceId: undefined };
  const found = live;
  const rest = await Promise.all([
    checked("fastly/active", () => Promise.resolve(checkActive(session, found))),
    checked("fastly/drift", () => Promise.resolve(checkDrift(session, found))),
    checked("fastly/private-items", () => Promise.resolve(checkPrivateItems(session, found))),
    session.desired.content.compute === null ? [] : checked("compute", () => checkCompute(session, found)),
    checked("edge/answer", () => checkEdge(job, session, found)),
  ]);
  return { results: [...service, ...others, ...rest.flat()], serviceId: found.id };
}

/** While there is an id of nobody, every publish fails: its purges cannot be sent. */
async function checkAlsoPurged({ fleet, client }: DeploySession): Promise<readonly CheckResult[]> {
  const results: CheckResult[] = [];
  for (const serviceId of fleet.environment.fastly.alsoPurge ?? []) {
    const id = `fastly/also-purge/${serviceId}`;
    const check = async (): Promise<CheckResult> => {
      const service = await client.readService(serviceId);
      if (service !== undefined) return ok(id, `"${service.name}" gets every purge too`);
      const found = "there is no such service for this token: what is published cannot be purged";
      return fail(id, found, `take it out of fastly.alsoPurge`);
    };
    results.push(...(await checked(id, check)));
  }
  return results;
}

function describeService(
  { fleet }: DoctorJob,
  { desired }: DeploySession,
  live: LiveService | undefined,
): CheckResult {
  const id = "fastly/service";
  if (live !== undefined) return ok(id, `"${live.name}" (${live.id})`);
  return fail(
    id,
    `there is no service "${desired.service.name}"`,
    `make it: sitefleet deploy apply --create --env ${fleet.environment.name}`,
  );
}

function checkActive({ desired, fleet }: DeploySession, live: LiveService): CheckResult {
  const id = "fastly/active";
  const { active } = toStatus(desired, live);
  const apply = `sitefleet deploy apply --env ${fleet.environment.name}`;
  if (active === null) return fail(id, "no version is active", `deploy one: ${apply}`);
  if (active.revision === null) {
    return fail(
      id,
      `version ${active.number} was not made by sitefleet`,
      `look at it, then deploy: ${apply}`,
    );
  }
  if (!isVerified(live.state, active.number)) {
    return warn(id, `version ${active.number} is ours, and not verified`, `verify it: ${apply}`);
  }
  return ok(id, `version ${active.number}, ours and verified`);
}

const SHOWN_LINES = 3;

function checkDrift({ desired, fleet }: DeploySession, live: LiveService): CheckResult {
  const id = "fastly/drift";
  const { drift, pending } = toStatus(desired, live);
  const env = fleet.environment.name;
  if (drift.length > 0) {
    const lines = drift.flatMap(describeDrift);
    return fail(
      id,
      `changed by hand: ${someOf(lines)}`,
      `sitefleet deploy plan --env ${env} shows it; apply with --overwrite undoes it, with --adopt keeps it`,
    );
  }
  if (pending.length === 0) return ok(id, "what is live is what would be deployed");
  return warn(id, `a deploy would change: ${someOf(pending)}`, `sitefleet deploy apply --env ${env}`);
}

function someOf(lines: readonly string[]): string {
  const shown = lines.slice(0, SHOWN_LINES).map((line) => line.trim());
  const more = lines.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}

/** Write-only items are known by their digest alone: the edge's key and the config segment as they were last written. */
function checkPrivateItems({ desired, fleet }: DeploySession, live: LiveService): CheckResult {
  const id = "fastly/private-items";
  if (live.active === undefined) return skipped(id, "no version is active");
  const owed = planDeploy(desired, live).steps.some(
    (step) => step.do === "put-private-items" && step.dictionary === PRIVATE_DICTIONARY,
  );
  if (!owed) return ok(id, "the edge has this S3 key and this config segment");
  return fail(
    id,
    "the edge has another S3 key or config segment than the variables here",
    `set the right ones, or write these: sitefleet deploy apply --env ${fleet.environment.name}`,
  );
}

/** An unknown host is answered 404 only by an edge that runs our VCL, reads its dictionary and the config bucket. */
async function checkEdge(
  { fleet }: DoctorJob,
  { desired }: DeploySession,
  live: LiveService,
): Promise<CheckResult> {
  const id = "edge/answer";
  const { environment, notes } = fleet;
  if (!environment.verify)
    return skipped(id, "the settings have no `verify`: where the edge is is not known");
  const { active } = toStatus(desired, live);
  if (active === null) return skipped(id, "no version is active");
  const apply = `sitefleet verify --env ${environment.name} shows what is wrong`;
  const expected = { version: active.number, revision: active.revision ?? undefined };
  const checks = edgeChecksFor(environment, notes);
  try {
    const verdict = await checks.verify(expected);
    return verdict.ok
      ? ok(id, `${environment.verify.url} runs version ${active.number} and reads the config bucket`)
      : fail(id, verdict.problems.join("; "), apply);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      ...fail(id, `${environment.verify.url} does not answer: ${why}`, "check verify.url and its DNS"),
      cause: "unreachable",
    };
  }
}
