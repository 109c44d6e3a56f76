import type { EdgeChecks } from "../deploy/apply/activation.ts";
import type { ApplyOptions } from "../deploy/apply/apply.ts";
import { desiredService } from "../deploy/service/desired.ts";
import type { DesiredService } from "../deploy/service/desired.ts";
import { readLive } from "../deploy/live/live.ts";
import { planDeploy } from "../deploy/plan/plan.ts";
import { isEmptyPlan, putsOwnItems } from "../deploy/plan/deploy-plan.ts";
import type { DeployPlan, DriftChoice } from "../deploy/plan/deploy-plan.ts";
import type { FastlyClient } from "../fastly/client.ts";
import { SitefleetError, assertNever } from "../lib/errors.ts";
import { packageFor } from "../deploy/compute/own-package.ts";
import { desiredCompute } from "../deploy/service/desired-compute.ts";
import type { RenderSources } from "../render/render-sources.ts";
import type { Environment } from "../settings/environment.ts";
import { renderService } from "../render/render.ts";
import { tryEdgeKey } from "./edge-key-trial.ts";
import { connectFastly } from "./fastly-connection.ts";
import type { Fleet } from "./fleet.ts";
import { UNKNOWN_PROVENANCE } from "./provenance.ts";
import type { Provenance } from "./provenance.ts";

/** What deploying takes: the service that is wanted and a client for the real one. */
export interface DeploySession {
  readonly fleet: Fleet;
  readonly desired: DesiredService;
  readonly client: FastlyClient;
  readonly provenance: Provenance;
  close(): Promise<void>;
}

/**
 * The service that an environment wants: rendered VCL, or the package of the Compute app.
 * @param sources what was read of templates already
 * @throws SitefleetError `compute/not-built`, `render/template`, …
 */
export async function describeService(
  environment: Environment,
  from: { readonly commit: string | null; readonly sources?: RenderSources },
): Promise<DesiredService> {
  const { commit, sources } = from;
  switch (environment.target) {
    case "vcl":
      return desiredService(environment, renderService(environment, sources ? { sources } : {}), commit);
    case "compute":
      return desiredCompute(environment, await packageFor(environment), commit);
    default:
      return assertNever(environment.target);
  }
}

/** Renders the fleet's service and connects to Fastly; the caller closes the session. */
export async function openDeploy(
  fleet: Fleet,
  provenance: Provenance = UNKNOWN_PROVENANCE,
): Promise<DeploySession> {
  const desired = await describeService(fleet.environment, { commit: provenance.commit });
  const client = await connectFastly(fleet);
  return { fleet, desired, client, provenance, close: () => client.close() };
}

/**
 * Compares with what is live, and checks the rendered VCL where there is anything to send, and the edge's S3 key where it
 * would be; `choice` is about changes by hand.
 * @throws SitefleetError `deploy/lint-failed`, `deploy/edge-key-refused`
 */
export async function planSession(
  { desired, client, fleet }: Pick<DeploySession, "desired" | "client" | "fleet">,
  choice: DriftChoice = "refuse",
): Promise<DeployPlan> {
  const plan = planDeploy(desired, await readLive(client, desired.service, desired), choice);
  if (!isEmptyPlan(plan) && desired.service.target === "vcl") await refuseFindings(desired);
  if (!putsOwnItems(plan)) return plan;
  return { ...plan, warnings: [...plan.warnings, ...(await tryEdgeKey(fleet))] };
}

async function refuseFindings(desired: DesiredService): Promise<void> {
  // The checker and the rules are more code than all else, and most plans have nothing for them to judge.
  const { lintService } = await import("../deploy/lint/lint.ts");
  const errors = lintService(desired).filter(({ severity }) => severity === "error");
  if (errors.length === 0) return;
  const { formatFinding } = await import("../deploy/lint/finding.ts");
  throw new SitefleetError(
    "deploy/lint-failed",
    `the rendered VCL has ${errors.length === 1 ? "an error" : `${errors.length} errors`}`,
    {
      hint: "fix the template or setting; `sitefleet lint` shows all findings",
      details: errors.slice(0, 20).map(formatFinding),
    },
  );
}

/** What applying needs; the mirror's service is made when it is missing, others only on request. */
export function applyOptions(
  session: Pick<DeploySession, "fleet" | "desired" | "client" | "provenance">,
  choices: { readonly create: boolean; readonly checks: EdgeChecks },
): ApplyOptions {
  const { fleet, desired, client } = session;
  return {
    client,
    checks: choices.checks,
    clock: fleet.clock,
    signal: fleet.signal,
    progress: (line) => fleet.notes.progress(line),
    privateItems: desired.privateItems,
    tryPrivateItems: () => tryEdgeKey(fleet),
    variables: desired.variables,
    package: desired.package,
    by: session.provenance.by,
    files: [...desired.files, ...desired.snippets],
    create: choices.create || fleet.environment.name === "local",
  };
}
