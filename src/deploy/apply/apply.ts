import type { FastlyClient } from "../../fastly/client.ts";
import { ACL } from "../../fastly/objects.ts";
import type { Acl, VersionInfo } from "../../fastly/wire.ts";
import type { Clock } from "../../lib/clock.ts";
import { SitefleetError, assertDefined } from "../../lib/errors.ts";
import { InterruptedError } from "../../lib/interruption.ts";
import { activateAndVerify, proveOrRestore } from "./activate.ts";
import { writeJournal } from "./activation.ts";
import type { Activation, EdgeChecks } from "./activation.ts";
import type { Secret } from "../../lib/secret.ts";
import { STATE_DICTIONARY } from "../service/desired.ts";
import type { PrivateItem } from "../service/tables.ts";
import { isVersionStep, sentFiles, writeDraft } from "./draft.ts";
import type { WrittenDraft } from "./draft.ts";
import { sayLive, sayNothingActivated, withLines } from "./left-behind.ts";
import type { PackageFile } from "../compute/package-file.ts";
import type { FoundStore } from "../compute/stores.ts";
import { obtainStores, settleAppSettings } from "./compute-writes.ts";
import { SERVICE_TYPES, findService } from "../live/live.ts";
import { openDictionaries, requireTable, storeTables } from "../live/tables.ts";
import type { ServiceTables } from "../live/tables.ts";
import { formerVersion, isEmptyPlan, putsOwnItems } from "../plan/deploy-plan.ts";
import type { DeployPlan } from "../plan/deploy-plan.ts";
import { markOrphans } from "./orphans.ts";
import { describeDrift } from "../plan/plan-text.ts";
import { digestContent } from "../live/stamp.ts";
import { StepTimer } from "./step-timer.ts";
import type { StepTiming } from "./step-timer.ts";
import type { SentFile } from "./vcl-message.ts";
import { awaitWrites, writesFor } from "./write-budget.ts";
import { writeTables } from "./write-tables.ts";

export interface ApplyOptions {
  readonly client: FastlyClient;
  readonly checks: EdgeChecks;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  readonly privateItems: readonly PrivateItem[];
  /**
   * Tries the own private items where they would be used, before anything is written: what was written over cannot be read back.
   * Resolves to warnings, rejects to refuse. Default: they are not tried.
   */
  readonly tryPrivateItems?: () => Promise<readonly string[]>;
  /** Values of the variables that fields of the plan name. */
  readonly variables: ReadonlyMap<string, Secret>;
  /** The package that is installed; needed for Compute services. */
  readonly package?: PackageFile | undefined;
  /** Who deploys, for the version's stamp; `null` when unknown. */
  readonly by: string | null;
  /** Whether a missing service may be made. */
  readonly create: boolean;
  /** Rendered files and snippets with the template line of each line, for messages about them; default: none. */
  readonly files?: readonly SentFile[];
  /** Started when the deploy was; default: with `applyDeploy`. */
  readonly timer?: StepTimer;
  /** Default 120,000: Fastly's own figure is under a minute, with rare exceptions. */
  readonly activationDeadlineMs?: number;
}

export interface DeployResult {
  /** `unchanged`: no write was made. `verified`: nothing but an interrupted run's verification was left to do. */
  readonly outcome: "unchanged" | "deployed" | "items-updated" | "verified";
  readonly serviceId: string | null;
  /** Version that is live now. */
  readonly version: number | null;
  /** Version that was live before. */
  readonly former: number | null;
  /** How long each step took that there was, in order; their sum is all that there was. */
  readonly timings: readonly StepTiming[];
  /** From the start to the moment at which every edge answered with the version, milliseconds; `null` where none was asked. */
  readonly edgeMs: number | null;
}

const DEFAULT_DEADLINE_MS = 120_000;

/**
 * Carries a plan out. Stopped at any point, by an error or a kill, what is live is a whole version, and planning and
 * applying again goes on from there.
 * @throws SitefleetError `deploy/changed-meanwhile`, `deploy/drift`, `deploy/no-service`, `deploy/invalid-vcl`,
 * `deploy/edge-key-refused`, `deploy/verification-failed`, `deploy/activation-not-seen`; `fastly/…` for refused calls; each
 * says what is live
 * @throws InterruptedError that says what is live, when the signal aborts
 */
export async function applyDeploy(plan: DeployPlan, options: ApplyOptions): Promise<DeployResult> {
  const former = plan.baseVersion;
  const timer = options.timer ?? new StepTimer(options.clock);
  const resultOf = (ended: Pick<DeployResult, "outcome" | "serviceId" | "version">): DeployResult => ({
    ...ended,
    former,
    timings: timer.timings,
    edgeMs: timer.edgeMs,
  });
  if (isEmptyPlan(plan)) {
    timer.end("plan");
    return resultOf({ outcome: "unchanged", serviceId: plan.service.id, version: former });
  }
  refuseDrift(plan);
  await tryPrivateItems(plan, options);
  const service = await obtainService(plan, options);
  refuseOtherBase(plan, service.versions);
  const { client, progress } = options;
  const stores = await obtainStores(plan, { client, serviceId: service.id, progress });
  timer.end("plan");
  const files = sentFiles(plan, options.files ?? []);
  const work: Work = { options, service, stores, timer, files, lasting: [] };
  if (plan.steps.some(isVersionStep)) {
    const version = await deployVersion(plan, work);
    return resultOf({ outcome: "deployed", serviceId: service.id, version });
  }
  await finishLiveVersion(plan, work);
  const outcome = plan.steps.length > 0 ? "items-updated" : "verified";
  return resultOf({ outcome, serviceId: service.id, version: former });
}

/** Nothing that somebody made by hand is undone unless it was said to be. */
function refuseDrift({ drift, driftChoice, takeover }: DeployPlan): void {
  if (drift.length === 0 || driftChoice === "overwrite") return;
  if (takeover) {
    throw new SitefleetError(
      "deploy/drift",
      `the live version is not sitefleet's, and ${drift.length} things in it are not as the settings say`,
      {
        hint: "look at each with `sitefleet deploy plan`, put what has to stay into the settings, then take the service over with --overwrite: that is needed once",
        details: drift.flatMap(describeDrift),
      },
    );
  }
  const isKept = drift.every(({ edit }) => edit === null);
  const keep = isKept ? "keep it with --adopt" : "keep it by editing what each line names";
  throw new SitefleetError(
    "deploy/drift",
    `${drift.length === 1 ? "something was" : `${drift.length} things were`} changed by hand since the last deploy`,
    {
      hint: `${keep}, or undo it with --overwrite; \`sitefleet deploy plan\` shows it`,
      details: drift.flatMap(describeDrift),
    },
  );
}

async function tryPrivateItems(plan: DeployPlan, options: ApplyOptions): Promise<void> {
  if (options.tryPrivateItems === undefined || !putsOwnItems(plan)) return;
  // What the plan warned of already is not told twice.
  const fresh = (await options.tryPrivateItems()).filter((line) => !plan.warnings.includes(line));
  for (const line of fresh) options.progress(`warning: ${line}`);
}

interface Service {
  readonly id: string;
  readonly versions: readonly VersionInfo[];
}

interface Work {
  readonly options: ApplyOptions;
  readonly service: Service;
  readonly stores: readonly FoundStore[];
  readonly timer: StepTimer;
  readonly files: readonly SentFile[];
  /** What has been changed beside versions so far and stays so, a line each. */
  readonly lasting: string[];
}

async function obtainService(plan: DeployPlan, options: ApplyOptions): Promise<Service> {
  const { client } = options;
  const { id, name, target } = plan.service;
  if (id !== null) return { id, versions: await client.listVersions(id) };
  // A run whose answer got lost may have made it already.
  const found = await findService(client, { id: undefined, name, target });
  if (found) return { id: found.id, versions: found.versions };
  if (!options.create) {
    throw new SitefleetError("deploy/no-service", `Fastly has no service named "${name}"`, {
      hint: "set `fastly.serviceId` in the settings, or make the service with `sitefleet deploy apply --create`",
    });
  }
  const made = await client.createService(name, SERVICE_TYPES[target]);
  options.progress(`service "${name}" made: ${made.id}`);
  return { id: made.id, versions: await client.listVersions(made.id) };
}

function refuseOtherBase(plan: DeployPlan, versions: readonly VersionInfo[]): void {
  const active = versions.find((version) => version.active)?.number ?? null;
  if (active === plan.baseVersion) return;
  const said = (version: number | null): string => (version === null ? "no version" : `version ${version}`);
  throw new SitefleetError(
    "deploy/changed-meanwhile",
    `the plan was made against ${said(plan.baseVersion)} and ${said(active)} is live now`,
    { hint: "look at what changed with `sitefleet deploy plan`, then apply again" },
  );
}

async function deployVersion(plan: DeployPlan, work: Work): Promise<number> {
  const { options, service, timer } = work;
  const { client, progress, signal } = options;
  const serviceId = service.id;
  const ready = await makeReady(plan, work);
  const { version, versions } = ready;
  await activateAndVerify(activation(plan, { ...work, ...ready }), plan.baseVersion);
  await markOrphans({ client, serviceId, live: version, progress, signal }, versions);
  timer.end("record");
  return version;
}

interface Ready {
  readonly version: number;
  readonly tables: VersionTables;
  readonly versions: readonly VersionInfo[];
}

/** Everything up to the moment before activation: what goes wrong here leaves live what was live. */
async function makeReady(plan: DeployPlan, work: Work): Promise<Ready> {
  const { options, service, timer, files } = work;
  const { client, progress, clock, signal, variables, by } = options;
  const serviceId = service.id;
  const compute = { stores: work.stores, package: options.package };
  const job = { client, serviceId, plan, variables, by, compute, progress, clock, signal, timer, files };
  try {
    const draft = await writeDraft(job, service.versions);
    const { version } = draft;
    const tables = await readTables(plan, { ...work, version });
    // After validation, so that a draft that goes nowhere changes no secret; before activation, so that no request of
    // the new version meets a dictionary without its items.
    await writeTablesOf(plan, { ...work, tables });
    timer.end("tables");
    // Others use the same token's writes: what goes live must be able to go back.
    await awaitWrites(options, writesFor([]));
    const versions = await client.listVersions(serviceId);
    refuseOtherBase(plan, versions);
    refuseOtherDraft(draft, versions);
    return { version, tables, versions };
  } catch (error) {
    const next = "the next deploy goes on with the draft";
    throw sayNothingActivated(error, { signal, live: plan.baseVersion, lasting: work.lasting, next });
  }
}

/** Another deploy at the same time takes a draft that it finds for one that was left, and writes its own stamp. */
function refuseOtherDraft({ version, stamp }: WrittenDraft, versions: readonly VersionInfo[]): void {
  if (versions.find(({ number }) => number === version)?.comment === stamp) return;
  throw new SitefleetError(
    "deploy/changed-meanwhile",
    `another deploy took up version ${version} while this one wrote it`,
    { hint: "let the other one end, then deploy again" },
  );
}

/** For plans without a new version: items that changed, or a verification that is still owed. */
async function finishLiveVersion(plan: DeployPlan, work: Work): Promise<void> {
  const { service, options, timer } = work;
  const version = plan.baseVersion;
  assertDefined(version, "the live version of a plan that makes none");
  const tables = await readTables(plan, { ...work, version });
  const job = activation(plan, { ...work, tables, version, versions: service.versions });
  // Until it is verified with the new items the version counts as unproven, whatever happens in between.
  await writeJournal(job, { state: "activating", version, former: job.former });
  try {
    await awaitWrites(options, writesFor(plan.steps));
    await writeTablesOf(plan, { ...work, tables });
  } catch (error) {
    const left = [`version ${version} stays live and is not verified with them`, ...work.lasting];
    if (error instanceof SitefleetError) throw withLines(error, left);
    if (!options.signal.aborted) throw error;
    throw new InterruptedError(`${sayLive(version)}; the next deploy writes the rest and verifies it`, left);
  }
  timer.end("tables");
  await proveOrRestore(job);
}

/** Where a version's tables are; ACLs are looked up only where there are any. */
interface VersionTables {
  readonly tables: ServiceTables;
  readonly acls: readonly Acl[];
}

async function readTables(
  plan: DeployPlan,
  work: Work & { readonly version: number },
): Promise<VersionTables> {
  const { client } = work.options;
  const { stores, version } = work;
  const serviceId = work.service.id;
  const isCompute = plan.content.compute !== null;
  return {
    tables: isCompute
      ? storeTables(client, { serviceId, stores })
      : await openDictionaries(client, { serviceId, version }),
    acls: plan.content.acls.length > 0 ? await client.list(ACL, { serviceId, version }) : [],
  };
}

function writeTablesOf(plan: DeployPlan, work: Work & { readonly tables: VersionTables }): Promise<void> {
  const { client, privateItems, progress } = work.options;
  const { lasting, tables, service } = work;
  return writeTables({ client, serviceId: service.id, plan, privateItems, progress, lasting, ...tables });
}

function activation(
  plan: DeployPlan,
  work: Work & {
    readonly tables: VersionTables;
    readonly version: number;
    readonly versions: readonly VersionInfo[];
  },
): Activation {
  const { options, stores } = work;
  const text = plan.content.compute?.settings ?? null;
  const sameVersion = work.version === plan.baseVersion;
  return {
    client: options.client,
    checks: options.checks,
    clock: options.clock,
    signal: options.signal,
    progress: options.progress,
    serviceId: work.service.id,
    versions: work.versions,
    version: work.version,
    revision: plan.revision,
    former: sameVersion && !plan.unverified ? plan.baseVersion : formerVersion(plan),
    interrupted: "restore",
    state: requireTable(work.tables.tables, STATE_DICTIONARY),
    settle: text === null ? undefined : () => settleAppSettings(options.client, stores, text),
    record: plan.steps.find((step) => step.do === "put-record")?.record,
    content: digestContent(plan.content),
    deadlineMs: options.activationDeadlineMs ?? DEFAULT_DEADLINE_MS,
    lasting: work.lasting,
    files: work.files,
    timer: work.timer,
  };
}
