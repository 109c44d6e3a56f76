import { randomBytes } from "node:crypto";
import type { FastlyClient } from "../fastly/client.ts";
import { DICTIONARY } from "../fastly/objects.ts";
import type { Dictionary, VersionInfo } from "../fastly/wire.ts";
import type { Clock } from "../lib/clock.ts";
import { SitefleetError, assertDefined } from "../lib/errors.ts";
import { activateAndVerify, proveOrRestore, writeJournal } from "./activate.ts";
import type { Activation, EdgeChecks } from "./activate.ts";
import { PRIVATE_DICTIONARY } from "../render/constants.ts";
import { STATE_DICTIONARY } from "./desired.ts";
import type { PrivateItem } from "./desired.ts";
import { isVersionStep, writeDraft } from "./draft.ts";
import { findService } from "./live.ts";
import { formerVersion, isEmptyPlan } from "./plan.ts";
import type { DeployPlan } from "./plan.ts";
import { STATE_KEYS, digestItems } from "./state.ts";

export interface ApplyOptions {
  readonly client: FastlyClient;
  readonly checks: EdgeChecks;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  readonly privateItems: readonly PrivateItem[];
  /** Whether a missing service may be made. */
  readonly create: boolean;
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
}

const DEFAULT_DEADLINE_MS = 120_000;

/**
 * Carries a plan out. Stopped at any point, by an error or a kill, what is live is a whole version, and planning and
 * applying again goes on from there.
 * @throws SitefleetError `deploy/changed-meanwhile`, `deploy/no-service`, `deploy/invalid-vcl`,
 * `deploy/verification-failed`, `deploy/activation-not-seen`; `fastly/…` for refused calls
 */
export async function applyDeploy(plan: DeployPlan, options: ApplyOptions): Promise<DeployResult> {
  const former = plan.baseVersion;
  if (isEmptyPlan(plan)) {
    return { outcome: "unchanged", serviceId: plan.service.id, version: former, former };
  }
  const service = await obtainService(plan, options);
  refuseOtherBase(plan, service.versions);
  if (plan.steps.some(isVersionStep)) {
    const version = await deployVersion(plan, { options, service });
    return { outcome: "deployed", serviceId: service.id, version, former };
  }
  await finishLiveVersion(plan, { options, service });
  const outcome = plan.steps.length > 0 ? "items-updated" : "verified";
  return { outcome, serviceId: service.id, version: former, former };
}

interface Service {
  readonly id: string;
  readonly versions: readonly VersionInfo[];
}

interface Work {
  readonly options: ApplyOptions;
  readonly service: Service;
}

async function obtainService(plan: DeployPlan, options: ApplyOptions): Promise<Service> {
  const { client } = options;
  const { id, name } = plan.service;
  if (id !== null) return { id, versions: await client.listVersions(id) };
  // A run whose answer got lost may have made it already.
  const found = await findService(client, { id: undefined, name });
  if (found) return { id: found.id, versions: found.versions };
  if (!options.create) {
    throw new SitefleetError("deploy/no-service", `Fastly has no service named "${name}"`, {
      hint: "set `fastly.serviceId` in the settings, or make the service with `sitefleet deploy apply --create`",
    });
  }
  const made = await client.createService(name);
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
  const { options, service } = work;
  const { client, progress } = options;
  const serviceId = service.id;
  const version = await writeDraft({ client, serviceId, plan, progress }, service.versions);
  const dictionaries = await client.list(DICTIONARY, { serviceId, version });
  // After validation, so that a draft that goes nowhere changes no secret; before activation, so that no request of
  // the new version meets a dictionary without its items.
  const lasting = await writePrivateItems(plan, { ...work, dictionaries });
  const versions = await client.listVersions(serviceId);
  refuseOtherBase(plan, versions);
  await activateAndVerify(activation(plan, { ...work, dictionaries, lasting, version, versions }));
  return version;
}

/** For plans without a new version: items that changed, or a verification that is still owed. */
async function finishLiveVersion(plan: DeployPlan, work: Work): Promise<void> {
  const { options, service } = work;
  const version = plan.baseVersion;
  assertDefined(version, "the live version of a plan that makes none");
  const dictionaries = await options.client.list(DICTIONARY, { serviceId: service.id, version });
  const job = activation(plan, { ...work, dictionaries, lasting: [], version, versions: service.versions });
  // Until it is verified with the new items the version counts as unproven, whatever happens in between.
  await writeJournal(job, { state: "activating", version, former: job.former });
  const lasting = await writePrivateItems(plan, { ...work, dictionaries });
  await proveOrRestore({ ...job, lasting });
}

async function writePrivateItems(
  plan: DeployPlan,
  work: Work & { readonly dictionaries: readonly Dictionary[] },
): Promise<readonly string[]> {
  if (!plan.steps.some((step) => step.do === "put-private-items")) return [];
  const { client, privateItems, progress } = work.options;
  const serviceId = work.service.id;
  const dictionaryId = idOf(work.dictionaries, PRIVATE_DICTIONARY);
  await client.putItems({ serviceId, dictionaryId }, privateItems);
  const digest = digestItems(privateItems, { dictionaryId, salt: randomBytes(16).toString("hex") });
  await client.putItems({ serviceId, dictionaryId: idOf(work.dictionaries, STATE_DICTIONARY) }, [
    { key: STATE_KEYS.digest, value: digest },
  ]);
  progress(`private items written: ${privateItems.map(({ key }) => key).join(", ")}`);
  return [`the private items keep their new values: Fastly does not tell the former ones`];
}

function idOf(dictionaries: readonly Dictionary[], name: string): string {
  const found = dictionaries.find((dictionary) => dictionary.name === name);
  assertDefined(found, `dictionary ${name}`);
  return found.id;
}

function activation(
  plan: DeployPlan,
  work: Work & {
    readonly dictionaries: readonly Dictionary[];
    readonly lasting: readonly string[];
    readonly version: number;
    readonly versions: readonly VersionInfo[];
  },
): Activation {
  const { options } = work;
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
    stateDictionary: idOf(work.dictionaries, STATE_DICTIONARY),
    deadlineMs: options.activationDeadlineMs ?? DEFAULT_DEADLINE_MS,
    lasting: work.lasting,
  };
}
