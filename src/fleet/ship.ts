import { applyDeploy } from "../deploy/apply/apply.ts";
import { sayLive } from "../deploy/apply/left-behind.ts";
import type { DeployResult } from "../deploy/apply/apply.ts";
import { proveAlike, unexplainedIn } from "../deploy/alike/alike.ts";
import type { AlikeReport, RenderedContent } from "../deploy/alike/alike.ts";
import { describeDifference } from "../deploy/alike/alike-text.ts";
import { isEmptyPlan } from "../deploy/plan/deploy-plan.ts";
import type { DeployPlan } from "../deploy/plan/deploy-plan.ts";
import { computeContentOf } from "../deploy/service/desired-compute.ts";
import { contentOf } from "../deploy/service/desired.ts";
import { findService } from "../deploy/live/live.ts";
import { describeDrift } from "../deploy/plan/plan-text.ts";
import { SitefleetError, assertDefined } from "../lib/errors.ts";
import { InterruptedError } from "../lib/interruption.ts";
import { TEMPLATES, renderService } from "../render/render.ts";
import { readRenderSources } from "../render/render-sources.ts";
import type { RenderSources } from "../render/render-sources.ts";
import type { Environment } from "../settings/environment.ts";
import type { ServerEnvironmentSettings } from "../settings/schema.ts";
import { deployChecks } from "./deploy-checks.ts";
import { applyOptions, describeService, planSession } from "./deploy-session.ts";
import type { DeploySession } from "./deploy-session.ts";
import { connectFastly } from "./fastly-connection.ts";
import type { Fleet } from "./fleet.ts";
import type { Provenance } from "./provenance.ts";
import { lintWithFalco } from "./ship-lint.ts";

/** An environment that a change goes through. */
export interface Stage {
  readonly fleet: Fleet;
  /** The environment's settings, as the settings file has them. */
  readonly settings: ServerEnvironmentSettings;
}

export interface ShipOptions {
  /** How many of the stages are deployed to; all are planned and compared. 0 only plans. */
  readonly deployed: number;
  readonly provenance: Provenance;
  /** Whether missing services may be made. */
  readonly create: boolean;
  /** Value of PATH, on which falco is looked for. */
  readonly path: string;
}

/** Where a stage is. `failed`, `interrupted`: what was live before is live again, unless `live` says otherwise. */
export type StageState = "planned" | "verified" | "failed" | "interrupted" | "not-begun";

export interface StageReport {
  readonly environment: string;
  readonly plan: DeployPlan;
  readonly state: StageState;
  /** What the deploy did, once it is done. */
  readonly result: DeployResult | null;
  /** Version that is live at the end; `null` when none is. */
  readonly live: number | null;
}

export interface ShipReport {
  readonly stages: readonly StageReport[];
  /** One for each stage and the next. */
  readonly alike: readonly AlikeReport[];
  /** What stopped it, be it Ctrl-C; nothing behind that stage was begun. */
  readonly failure: SitefleetError | InterruptedError | null;
}

/**
 * Takes one rendering through all stages: lints, plans and compares every stage before the first is touched, then deploys
 * to one after the other, each verified before the next begins. A stage that fails has its former version back.
 * @throws SitefleetError when stages have other targets, or one cannot be rendered or planned; what fails or is interrupted later is in the report
 */
export async function ship(stages: readonly Stage[], options: ShipOptions): Promise<ShipReport> {
  refuseOtherTargets(stages);
  const sources = readRenderSources(stages[0]?.fleet.environment.edge, TEMPLATES);
  const opened: OpenStage[] = [];
  try {
    for (const stage of stages) opened.push(await openStage(stage, { sources, options }));
    const alike = compareStages(opened, sources);
    const failure = findObstacle(opened, { alike, options });
    if (failure || options.deployed === 0) return { stages: opened.map(reportPlanned), alike, failure };
    return { ...(await deployStages(opened, options)), alike };
  } finally {
    for (const { session } of opened) await session.close();
  }
}

/** VCL and the Compute app are two programs: every setting may be alike, and the one would prove nothing of the other. */
function refuseOtherTargets(stages: readonly Stage[]): void {
  const [first] = stages;
  const other = stages.find(({ settings }) => settings.target !== first?.settings.target);
  if (!first || !other) return;
  const said = [first, other].map(
    ({ fleet, settings }) => `${fleet.environment.name} has ${settings.target}`,
  );
  throw new SitefleetError(
    "deploy/not-alike",
    `stages of one change must have one target: ${said.join(", ")}, and neither proves anything of the other`,
    {
      hint: "leave one of them out of `stages` and deploy it by itself; docs/compute.md tells how a service is moved",
    },
  );
}

interface OpenStage {
  readonly stage: Stage;
  readonly session: DeploySession;
  readonly plan: DeployPlan;
}

async function openStage(
  stage: Stage,
  context: { readonly sources: RenderSources; readonly options: ShipOptions },
): Promise<OpenStage> {
  const { fleet } = stage;
  const { provenance } = context.options;
  const { commit } = provenance;
  const desired = await describeService(fleet.environment, { commit, sources: context.sources });
  const client = await connectFastly(fleet);
  const session: DeploySession = { fleet, desired, client, provenance, close: () => client.close() };
  try {
    const plan = await planSession(session);
    const hasVcl = desired.service.target === "vcl";
    if (!isEmptyPlan(plan) && hasVcl) await lintWithFalco(fleet, { desired, path: context.options.path });
    return { stage, session, plan };
  } catch (error) {
    await session.close();
    throw error instanceof SitefleetError ? ofStage(error, fleet.environment.name, []) : error;
  }
}

function compareStages(opened: readonly OpenStage[], sources: RenderSources): readonly AlikeReport[] {
  return opened.slice(1).flatMap((second, index) => {
    const first = opened[index];
    if (!first) return [];
    const sideOf = ({ stage, session }: OpenStage) => ({
      settings: stage.settings,
      environment: stage.fleet.environment,
      desired: session.desired,
    });
    const render = rendererFor([first, second], sources);
    return [proveAlike([sideOf(first), sideOf(second)], render)];
  });
}

/** Both targets' contents of an environment whose settings are half one stage's and half the other's. */
function rendererFor(
  stages: readonly OpenStage[],
  sources: RenderSources,
): (environment: Environment) => RenderedContent {
  const file = stages.map(({ session }) => session.desired.package).find((found) => found !== undefined);
  return (environment) => {
    if (environment.target === "compute") {
      assertDefined(file, "the package of a stage that is a Compute service");
      return computeContentOf(environment, file);
    }
    const rendered = renderService(environment, { sources });
    return { content: contentOf(environment, rendered), revision: rendered.revision };
  };
}

/** What is known to stand in the way before anything is touched. */
function findObstacle(
  opened: readonly OpenStage[],
  context: { readonly alike: readonly AlikeReport[]; readonly options: ShipOptions },
): SitefleetError | null {
  for (const report of context.alike) {
    const odd = unexplainedIn(report);
    if (odd.length === 0) continue;
    const [first, second] = report.environments;
    return new SitefleetError(
      "deploy/not-alike",
      `${first} and ${second} differ in what no setting says: what ${first} proves would not hold for ${second}`,
      {
        hint: "make a setting of it; templates must not ask for the environment's name",
        details: odd.slice(0, 20).flatMap(describeDifference),
      },
    );
  }
  const drifted = opened.slice(0, context.options.deployed).find(({ plan }) => plan.drift.length > 0);
  if (!drifted) return null;
  const { environment, drift, takeover } = drifted.plan;
  const what = takeover
    ? `what is live in ${environment} is not sitefleet's, and not as the settings say`
    : `${environment} was changed by hand since the last deploy`;
  return new SitefleetError("deploy/drift", what, {
    hint: `decide with \`sitefleet deploy apply --env ${environment}\` and --adopt or --overwrite, then ship again`,
    details: drift.flatMap(describeDrift),
  });
}

async function deployStages(
  opened: readonly OpenStage[],
  options: ShipOptions,
): Promise<Pick<ShipReport, "stages" | "failure">> {
  const reports: StageReport[] = [];
  const rest = (): readonly StageReport[] => opened.slice(reports.length + 1).map(reportNotBegun);
  for (const one of opened.slice(0, options.deployed)) {
    const { signal } = one.stage.fleet;
    try {
      signal.throwIfAborted();
      reports.push(await deployStage(one, options));
    } catch (error) {
      if (signal.aborted && !(error instanceof SitefleetError)) {
        const others = rest();
        const failure = interruptedAt(one, { error, others: [...reports, ...others] });
        return { stages: [...reports, await reportInterrupted(one, error), ...others], failure };
      }
      if (!(error instanceof SitefleetError)) throw error;
      const failed: StageReport = { ...reportPlanned(one), state: "failed", live: await liveVersion(one) };
      const stages = [...reports, failed, ...rest()];
      return { stages, failure: ofStage(error, one.plan.environment, stages.map(describeStage)) };
    }
  }
  return { stages: [...reports, ...opened.slice(reports.length).map(reportNotBegun)], failure: null };
}

/** Where each stage is when somebody pressed Ctrl-C; the stage's own error says what is live there. */
function interruptedAt(
  { plan }: OpenStage,
  at: { readonly error: unknown; readonly others: readonly StageReport[] },
): InterruptedError {
  const { error, others } = at;
  const known = error instanceof InterruptedError;
  const here = known ? error.message : `${sayLive(plan.baseVersion)}, as before`;
  return new InterruptedError(`${plan.environment}: ${here}`, [
    ...(known ? error.details : []),
    ...others.map(describeStage),
  ]);
}

async function deployStage({ session, plan }: OpenStage, options: ShipOptions): Promise<StageReport> {
  const { fleet } = session;
  const checks = deployChecks(fleet);
  const result = await applyDeploy(plan, applyOptions(session, { create: options.create, checks }));
  if (result.outcome === "unchanged" && result.version !== null) {
    // What the next stage relies on is proven in this run, and not by one that was long ago.
    const found = await checks.verify({ revision: plan.revision, version: result.version });
    if (!found.ok) {
      throw new SitefleetError(
        "deploy/verification-failed",
        `version ${result.version}, which was live already, did not pass verification`,
        { hint: "look at the problems, fix them and ship again", details: found.problems },
      );
    }
    fleet.notes.progress(`version ${result.version}: verified`);
  }
  return { environment: plan.environment, plan, state: "verified", result, live: result.version };
}

/** What is live is asked for: a failure may have been that of putting the former version back. */
async function liveVersion({ session, plan }: OpenStage): Promise<number | null> {
  const { client, desired, fleet } = session;
  try {
    const service = await client.sheltered(() => findService(client, desired.service));
    return service?.versions.find(({ active }) => active)?.number ?? null;
  } catch (error) {
    if (!(error instanceof SitefleetError)) throw error;
    fleet.notes.warn(`it could not be asked which version is live now: ${error.message}`);
    return plan.baseVersion;
  }
}

function reportPlanned({ plan }: OpenStage): StageReport {
  return { environment: plan.environment, plan, state: "planned", result: null, live: plan.baseVersion };
}

/** A deploy that had begun may have left another version live. */
async function reportInterrupted(one: OpenStage, error: unknown): Promise<StageReport> {
  const live = error instanceof InterruptedError ? await liveVersion(one) : one.plan.baseVersion;
  return { ...reportPlanned(one), state: "interrupted", live };
}

function reportNotBegun(one: OpenStage): StageReport {
  return { ...reportPlanned(one), state: "not-begun" };
}

/** `production: version 7 is live, not begun`. */
export function describeStage({ environment, plan, state, live }: StageReport): string {
  const words: Record<StageState, string> = {
    planned: "planned",
    verified: live === plan.baseVersion ? "as before, verified" : "verified",
    failed: live === plan.baseVersion ? "as before, for the deploy failed" : "and the deploy failed",
    interrupted:
      live === plan.baseVersion
        ? "as before, for the deploy was interrupted"
        : "and the deploy was interrupted",
    "not-begun": "not begun",
  };
  return `${environment}: ${sayLive(live)}, ${words[state]}`;
}

function ofStage(error: SitefleetError, environment: string, where: readonly string[]): SitefleetError {
  return new SitefleetError(error.code, `${environment}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    details: [...error.details, ...where],
  });
}
