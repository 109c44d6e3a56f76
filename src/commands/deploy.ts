import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { applyDeploy } from "../deploy/apply/apply.ts";
import type { DeployResult } from "../deploy/apply/apply.ts";
import { readOrigins } from "../deploy/live/clones.ts";
import { readLive } from "../deploy/live/live.ts";
import { formatPlanFile, parsePlanFile } from "../deploy/plan/plan-file.ts";
import { formatPlan } from "../deploy/plan/plan-text.ts";
import { isEmptyPlan } from "../deploy/plan/deploy-plan.ts";
import type { DeployPlan, DriftChoice } from "../deploy/plan/deploy-plan.ts";
import type { PlanSeal } from "../deploy/plan/plan-file.ts";
import { applyRollback, planRollback } from "../deploy/apply/rollback.ts";
import { formatStatus, toStatus } from "../deploy/plan/status.ts";
import { StepTimer, formatTimings } from "../deploy/apply/step-timer.ts";
import { deployChecks } from "../fleet/deploy-checks.ts";
import { applyOptions, openDeploy, planSession } from "../fleet/deploy-session.ts";
import type { DeploySession } from "../fleet/deploy-session.ts";
import { readProvenance } from "../fleet/provenance.ts";
import { SitefleetError, assertNever } from "../lib/errors.ts";
import type { BucketPlan } from "../setup/bucket-setup.ts";
import type { CommandContext } from "./context.ts";
import type { CommandDefinition, CommandInput, OptionDefinition } from "./command.ts";
import type { ReplayJob, ReplayReport } from "./deploy-replay.ts";
import { policiesCommand } from "./deploy-policies.ts";
import { shipCommand } from "./deploy-ship.ts";
import { reasonOf, writeOutputFile } from "./output-file.ts";

const DRIFT_OPTIONS: readonly OptionDefinition[] = [
  { flags: "--adopt", summary: "keep what was changed by hand at Fastly, as far as that can be kept" },
  { flags: "--overwrite", summary: "undo what was changed by hand at Fastly" },
];

/** Flags of `deploy plan` that make it replay requests. */
const REPLAY_OPTIONS: readonly OptionDefinition[] = [
  {
    flags: "--replay <file>",
    summary: "ask the live and the planned version these requests (JSON lines, or our own log) and compare",
  },
  {
    flags: "--sample <sites>",
    summary: "the same for so many sites, or `all`, with a bundled list of requests for each",
  },
  { flags: "--replay-out <file>", summary: "write every changed answer to a file, one JSON document a line" },
];

export const commands: readonly CommandDefinition[] = [
  {
    verb: "plan",
    summary: "show what a deploy would change, with VCL differences; writes nothing at Fastly",
    options: [
      { flags: "--out <file>", summary: "keep the plan as a file for `deploy apply FILE`" },
      { flags: "--detailed-exitcode", summary: "exit with 10 when there are changes" },
      ...DRIFT_OPTIONS,
      ...REPLAY_OPTIONS,
    ],
    writes: false,
    examples: [
      "deploy plan",
      "deploy plan --env production --out plan.json",
      "deploy plan --detailed-exitcode",
      "deploy plan --sample 100 --replay-out changes.jsonl",
    ],
    run: (context, input) => withDeploy(context, (session) => runPlan(context, { input, session })),
  },
  {
    verb: "apply",
    summary: "deploy: write a new version, validate, activate, verify; put the former back if it fails",
    args: [{ name: "[plan]", summary: "plan file to apply; without one, a plan is made now" }],
    options: [
      { flags: "--create", summary: "make the buckets and the Fastly service where they do not exist" },
      ...DRIFT_OPTIONS,
    ],
    writes: true,
    examples: ["deploy apply", "deploy apply --create --env test", "deploy apply plan.json --env production"],
    async run(context, input) {
      const buckets = input.flags.has("create") ? await createBuckets(context) : undefined;
      const timer = new StepTimer(context.clock);
      await withDeploy(context, (session) => runApply(context, { input, session, buckets, timer }));
    },
  },
  {
    verb: "status",
    summary: "show what is live, by whom and from which commit, drafts, drift, and what a deploy would do",
    writes: false,
    examples: ["deploy status --env production"],
    run: (context) => withDeploy(context, (session) => runStatus(context, session)),
  },
  {
    verb: "rollback",
    summary: "make an earlier version live again and verify it",
    options: [{ flags: "--to <version>", summary: "default: the version that was live before" }],
    writes: true,
    examples: ["deploy rollback --env production", "deploy rollback --to 41 --env production"],
    run: (context, input) => withDeploy(context, (session) => runRollback(context, { input, session })),
  },
  shipCommand,
  policiesCommand,
];

interface Job {
  readonly input: CommandInput;
  readonly session: DeploySession;
}

/** With what `--create` did to the buckets. */
interface ApplyJob extends Job {
  readonly buckets: readonly BucketPlan[] | undefined;
  readonly timer: StepTimer;
}

async function createBuckets(context: CommandContext): Promise<readonly BucketPlan[]> {
  const create = await import("./deploy-create.ts");
  return create.createBuckets(context);
}

/** What `--create` did or would do, for the result; nothing without it. */
async function tellSetup(
  context: CommandContext,
  buckets: readonly BucketPlan[] | undefined,
): Promise<{ readonly document: object; readonly text: string }> {
  if (buckets === undefined) return { document: {}, text: "" };
  const create = await import("./deploy-create.ts");
  return create.tellSetup(context, buckets);
}

/** Runs `work` with the environment's wanted service and a Fastly client that is closed afterwards. */
export async function withDeploy<T>(
  context: CommandContext,
  work: (session: DeploySession) => Promise<T>,
): Promise<T> {
  const provenance = await readProvenance(context, context.signal);
  const session = await openDeploy(await context.fleet(), provenance);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}

const CHANGES_PENDING = 10;

async function runPlan(context: CommandContext, { input, session }: Job): Promise<number> {
  const plan = await planSession(session, driftChoice(input));
  const out = input.flags.text("out");
  if (out !== undefined) {
    const text = formatPlanFile(plan, sealOf(session));
    // It holds no secret, but the whole edge configuration: for its owner only.
    await writeOutputFile({ cwd: context.cwd, name: out }, { text, mode: 0o600 });
    context.report.progress(`plan written to ${out}`);
  }
  const replay = await replayIfAsked(context, { input, session, plan });
  if (replay === undefined) context.report.result(plan, formatPlan(plan));
  else context.report.result({ ...plan, replay: replay.report }, `${formatPlan(plan)}\n\n${replay.text}`);
  return input.flags.has("detailed-exitcode") && !isEmptyPlan(plan) ? CHANGES_PENDING : 0;
}

/** Two engines and the fleet's sites are loaded for a replay only. */
async function replayIfAsked(
  context: CommandContext,
  job: ReplayJob,
): Promise<{ readonly report: ReplayReport; readonly text: string } | undefined> {
  const { flags } = job.input;
  if (!["replay", "sample", "replay-out"].some((name) => flags.text(name) !== undefined)) return undefined;
  const { formatReplayReport, replayPlan } = await import("./deploy-replay.ts");
  const report = await replayPlan(context, job);
  return report && { report, text: formatReplayReport(report) };
}

function driftChoice(input: CommandInput): DriftChoice {
  const [adopt, overwrite] = [input.flags.has("adopt"), input.flags.has("overwrite")];
  if (adopt && overwrite) {
    throw new SitefleetError("cli/usage", "--adopt and --overwrite say opposite things", {
      hint: "keep what was changed by hand (--adopt), or undo it (--overwrite)",
    });
  }
  return adopt ? "adopt" : overwrite ? "overwrite" : "refuse";
}

function sealOf({ desired, fleet }: DeploySession): PlanSeal {
  return { desired, secrets: [fleet.environment.secrets.apiToken()] };
}

async function runApply(context: CommandContext, job: ApplyJob): Promise<void> {
  const { input, session, buckets, timer } = job;
  const [file] = input.args;
  const choice = driftChoice(input);
  const plan =
    file === undefined
      ? await planSession(session, choice)
      : withChoice(await readPlan(context, { file, session }), { file, choice });
  for (const line of plan.warnings) context.report.warn(line);
  if (context.dryRun) {
    const setup = await tellSetup(context, buckets);
    context.report.result({ dryRun: true, plan, ...setup.document }, `${formatPlan(plan)}${setup.text}`);
    return;
  }
  const create = input.flags.has("create");
  const options = applyOptions(session, { create, checks: deployChecks(session.fleet) });
  const result = await applyDeploy(plan, { ...options, timer });
  const setup = await tellSetup(context, buckets);
  const document = {
    environment: plan.environment,
    ...result,
    changes: plan.steps.length,
    ...setup.document,
  };
  context.report.result(document, `${describeResult(plan.environment, result)}${setup.text}`);
}

/** A plan that was made already undoes what it was made to undo; keeping things makes it another one. */
function withChoice(
  plan: DeployPlan,
  { file, choice }: { readonly file: string; readonly choice: DriftChoice },
): DeployPlan {
  if (choice === "refuse" || choice === plan.driftChoice) return plan;
  if (choice === "overwrite" && plan.driftChoice === "refuse") return { ...plan, driftChoice: choice };
  throw new SitefleetError("cli/usage", `"${file}" was not planned with --${choice}`, {
    hint: `make it with \`sitefleet deploy plan --${choice} --out ${file}\``,
  });
}

async function readPlan(
  context: CommandContext,
  what: { readonly file: string; readonly session: DeploySession },
): Promise<DeployPlan> {
  const { file, session } = what;
  const text = await readText(context, file);
  return parsePlanFile(text, { file, ...sealOf(session) });
}

async function readText({ cwd }: CommandContext, file: string): Promise<string> {
  try {
    return await readFile(resolve(cwd, file), "utf8");
  } catch (cause) {
    throw new SitefleetError("deploy/invalid-plan", `"${file}" cannot be read: ${reasonOf(cause)}`, {
      hint: "make one with `sitefleet deploy plan --out FILE`",
      cause,
    });
  }
}

/** What became of it, and how long each step took. */
function describeResult(environment: string, result: DeployResult): string {
  const { outcome, timings, edgeMs } = result;
  const said = `${environment}: ${describeOutcome(result)}`;
  return outcome === "unchanged" ? said : [said, ...formatTimings(timings, edgeMs)].join("\n");
}

function describeOutcome({ outcome, version, former }: DeployResult): string {
  switch (outcome) {
    case "unchanged":
      return `no changes, version ${version ?? "none"} is live`;
    case "deployed":
      return `version ${version ?? "none"} is live${former === null ? "" : ` (was ${former})`}`;
    case "items-updated":
      return `items updated, version ${version ?? "none"} stays live`;
    case "verified":
      return `version ${version ?? "none"} is live and verified`;
    default:
      return assertNever(outcome);
  }
}

async function runStatus(context: CommandContext, session: DeploySession): Promise<void> {
  const { desired, client } = session;
  const live = await readLive(client, desired.service, desired);
  const status = toStatus(desired, live, live && (await readOrigins(client, live)));
  context.report.result(status, formatStatus(status));
}

async function runRollback(context: CommandContext, { input, session }: Job): Promise<void> {
  const { client, desired, fleet } = session;
  const environment = fleet.environment.name;
  const plan = await planRollback(client, { service: desired.service, to: versionFrom(input) });
  if (context.dryRun) {
    const { serviceId, from, to } = plan;
    context.report.result({ dryRun: true, serviceId, from, to }, `would go from version ${from} to ${to}`);
    return;
  }
  const result = await applyRollback(
    plan,
    applyOptions(session, { create: false, checks: deployChecks(fleet) }),
  );
  context.report.result({ environment, ...result }, describeResult(environment, result));
}

function versionFrom(input: CommandInput): number | undefined {
  const text = input.flags.text("to");
  if (text === undefined) return undefined;
  if (/^[1-9][0-9]{0,8}$/.test(text)) return Number(text);
  throw new SitefleetError("cli/usage", `--to is "${text}", not a version number`, {
    hint: "`sitefleet deploy status` shows the versions",
  });
}
