import type { ApplyOptions } from "../deploy/apply.ts";
import { desiredService } from "../deploy/desired.ts";
import type { DesiredService } from "../deploy/desired.ts";
import { lintService } from "../deploy/lint.ts";
import { readLive } from "../deploy/live.ts";
import { planDeploy } from "../deploy/plan.ts";
import type { DeployPlan } from "../deploy/plan.ts";
import type { FastlyClient } from "../fastly/client.ts";
import { SitefleetError } from "../lib/errors.ts";
import { renderService } from "../render/render.ts";
import type { Environment } from "../settings/environment.ts";
import { formatDiagnostic } from "../vcl/diagnostics.ts";
import type { CommandContext } from "./context.ts";
import { deployChecks } from "./deploy-checks.ts";
import { connectFastly } from "./fastly-connection.ts";

/** What the deploy commands share: the wanted service and a client for the real one. */
export interface DeploySession {
  readonly environment: Environment;
  readonly desired: DesiredService;
  readonly client: FastlyClient;
}

/** Runs `work` with the environment's wanted service and a Fastly client that is closed afterwards. */
export async function withDeploy<T>(
  context: CommandContext,
  work: (session: DeploySession) => Promise<T>,
): Promise<T> {
  const environment = await context.environment();
  const desired = desiredService(environment, renderService(environment));
  const client = await connectFastly(context, environment);
  try {
    return await work({ environment, desired, client });
  } finally {
    await client.close();
  }
}

/**
 * Checks the rendered VCL here before it is compared with what is live.
 * @throws SitefleetError `deploy/lint-failed`
 */
export async function planSession({ desired, client }: DeploySession): Promise<DeployPlan> {
  const errors = lintService(desired).filter(({ severity }) => severity === "error");
  if (errors.length > 0) {
    throw new SitefleetError("deploy/lint-failed", `the rendered VCL has ${errors.length} errors`, {
      hint: "fix the template or setting; `sitefleet lint` shows all findings",
      details: errors.slice(0, 20).map(formatDiagnostic),
    });
  }
  return planDeploy(desired, await readLive(client, desired.service));
}

/** What applying needs; the mirror's service is made when it is missing, others only with `--create`. */
export function applyOptions(
  context: CommandContext,
  session: DeploySession,
  flags: { readonly create: boolean },
): ApplyOptions {
  const { environment, desired, client } = session;
  return {
    client,
    checks: deployChecks(context, environment),
    clock: context.clock,
    signal: context.signal,
    progress: (line) => context.report.progress(line),
    privateItems: desired.privateItems,
    create: flags.create || environment.name === "local",
  };
}
