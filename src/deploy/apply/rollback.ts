import type { VersionInfo } from "../../fastly/wire.ts";
import { SitefleetError } from "../../lib/errors.ts";
import { activateAndVerify } from "./activate.ts";
import { activeVersion } from "./activation.ts";
import type { Activation } from "./activation.ts";
import type { ApplyOptions, DeployResult } from "./apply.ts";
import { STATE_DICTIONARY } from "../service/desired.ts";
import type { WantedService } from "../service/desired.ts";
import { findStores, storeOf } from "../compute/stores.ts";
import type { FoundStore } from "../compute/stores.ts";
import { edgeSettingsItem } from "../../site/edge-settings.ts";
import { openDictionaries, storeTables } from "../live/tables.ts";
import type { ItemTable, ServiceTables } from "../live/tables.ts";
import { settleAppSettings } from "./compute-writes.ts";
import { findService } from "../live/live.ts";
import { ownStamp, parseStamp } from "../live/stamp.ts";
import { digestMatches, parseState } from "../live/state.ts";
import { digestedItems } from "../plan/plan-tables.ts";
import { PRIVATE_DICTIONARY } from "../../render/constants.ts";
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
  /** Of a Compute service. */
  readonly stores: readonly FoundStore[];
  /** Settings of the app that come back with the version; `undefined` of a VCL service. */
  readonly settings: string | undefined;
}

/**
 * Finds the version to go back to: the one asked for, else the one that was last known to be good before the live one, else
 * the one that the live version was made from.
 * @throws SitefleetError `deploy/no-service`, `deploy/invalid-version`
 */
export async function planRollback(
  client: ApplyOptions["client"],
  request: { readonly service: WantedService; readonly to: number | undefined },
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
  const { to } = request;
  const stores = await findStores(client, request.service.stores);
  const known = { serviceId: service.id, stores, target: request.service.target };
  const before = to === undefined ? await versionBefore(client, { ...known, active }) : null;
  const target = chooseTarget(service.versions, { active, to, before });
  return {
    serviceId: service.id,
    from: active.number,
    to: target.number,
    revision: parseStamp(target.comment)?.revision,
    content: ownStamp(target)?.content ?? undefined,
    versions: service.versions,
    stores,
    settings: known.target === "compute" ? await settingsOf(client, stores, target.number) : undefined,
  };
}

/**
 * The app's settings of a version to go back to.
 * @throws SitefleetError `deploy/invalid-version` where they are gone: with others it would not be that version
 */
async function settingsOf(
  client: ApplyOptions["client"],
  stores: readonly FoundStore[],
  version: number,
): Promise<string> {
  const store = storeOf(stores, "settings");
  const item = edgeSettingsItem(version);
  const found = store && (await client.stores.readConfigItem(store.id, item));
  if (found !== undefined) return found;
  throw new SitefleetError("deploy/invalid-version", `the settings of version ${version} are gone`, {
    hint: `the item "${item}" is not in the service's Config Store: name a newer version with --to, or deploy again`,
  });
}

/**
 * The version that was live and good before the active one. The stamp names what was live, be it a version that an
 * interrupted run left unproven: where the journal is about the active version it knows better. After a rollback the
 * journal's former version is the one that was left for a reason.
 */
async function versionBefore(
  client: ApplyOptions["client"],
  { active, ...of }: StatePlace & { readonly active: VersionInfo },
): Promise<number | null> {
  const state = await stateIn(client, of, active.number);
  const { journal } = parseState((await state?.list()) ?? []);
  const known = journal?.version === active.number ? journal.former : null;
  return known !== null && known < active.number ? known : (ownStamp(active)?.from ?? null);
}

interface StatePlace {
  readonly serviceId: string;
  readonly stores: readonly FoundStore[];
  readonly target: WantedService["target"];
}

async function stateIn(
  client: ApplyOptions["client"],
  place: StatePlace,
  version: number,
): Promise<ItemTable | undefined> {
  return (await tablesIn(client, place, version)).items(STATE_DICTIONARY);
}

async function tablesIn(
  client: ApplyOptions["client"],
  { serviceId, stores, target }: StatePlace,
  version: number,
): Promise<ServiceTables> {
  return target === "compute"
    ? storeTables(client, { serviceId, stores })
    : openDictionaries(client, { serviceId, version });
}

type RollbackOptions = Pick<
  ApplyOptions,
  "client" | "checks" | "clock" | "signal" | "progress" | "activationDeadlineMs" | "timer"
> &
  Partial<Pick<ApplyOptions, "privateItems">>;

/**
 * Activates the target and verifies it; nothing happens when it is live already. Interrupted, the target stays live.
 * @throws SitefleetError `deploy/verification-failed`, `deploy/activation-not-seen` (the live version was put back),
 * `deploy/changed-meanwhile`, `deploy/other-secrets` (nothing was activated)
 */
export async function applyRollback(plan: RollbackPlan, options: RollbackOptions): Promise<DeployResult> {
  const { serviceId, from, to } = plan;
  const { client, checks, clock, signal, progress, timer = new StepTimer(clock) } = options;
  const result = { serviceId, version: to, former: from };
  if (from === to) {
    timer.end("plan");
    return { outcome: "unchanged", ...result, timings: timer.timings, edgeMs: timer.edgeMs };
  }
  const { stores, settings } = plan;
  const target = settings === undefined ? "vcl" : "compute";
  const tables = await tablesIn(client, { serviceId, stores, target }, to);
  const state = tables.items(STATE_DICTIONARY);
  refuseOtherLive(from, await activeVersion({ client, serviceId }));
  await refuseOtherSecrets(plan, tables, options);
  timer.end("plan");
  const job: Activation = {
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
    interrupted: "stay",
    content: plan.content,
    state,
    settle: settings === undefined ? undefined : () => settleAppSettings(client, stores, settings),
    deadlineMs: options.activationDeadlineMs ?? 120_000,
    lasting: [],
    files: [],
    timer,
  };
  await activateAndVerify(job, from);
  return { outcome: "deployed", ...result, timings: timer.timings, edgeMs: timer.edgeMs };
}

/**
 * What answers is verified by a token made of the config segment: with another segment the version gone back to would seem
 * dead, minutes after it was made live. Values that were changed and not deployed yet do no harm as long as the live
 * version knows the token.
 */
async function refuseOtherSecrets(
  plan: RollbackPlan,
  tables: ServiceTables,
  { checks, privateItems }: RollbackOptions,
): Promise<void> {
  const [state, secrets] = [tables.items(STATE_DICTIONARY), tables.items(PRIVATE_DICTIONARY)];
  if (privateItems === undefined || !state || !secrets) return;
  const digest = parseState(await state.list()).digests.get(PRIVATE_DICTIONARY);
  if (digest === undefined) return;
  const items = digestedItems(privateItems, PRIVATE_DICTIONARY);
  if (digestMatches(digest, items, await secrets.identity())) return;
  const live = plan.versions.find(({ number }) => number === plan.from);
  const revision = parseStamp(live?.comment ?? "")?.revision;
  if (await checks.probe({ version: plan.from, revision })) return;
  throw new SitefleetError(
    "deploy/other-secrets",
    `version ${plan.from} does not know the secrets that are set here, so version ${plan.to} could not be verified; nothing was activated`,
    {
      hint: "set the config segment and the edge's S3 key that were deployed last, then roll back again",
    },
  );
}

function refuseOtherLive(planned: number, live: number | null): void {
  if (planned === live) return;
  const said = live === null ? "nothing" : `version ${live}`;
  throw new SitefleetError(
    "deploy/changed-meanwhile",
    `version ${planned} was live when the rollback was planned, and ${said} is now`,
    { hint: "look at it with `sitefleet deploy status`, then roll back again" },
  );
}

function chooseTarget(
  versions: readonly VersionInfo[],
  choice: {
    readonly active: VersionInfo;
    readonly to: number | undefined;
    /** What to go back to when none was asked for. */
    readonly before: number | null;
  },
): VersionInfo {
  const { active, to, before } = choice;
  const usable = versions.filter(({ locked }) => locked);
  const known = usable.map(({ number }) => number).join(", ") || "none";
  if (to === undefined) {
    const target = usable.find(({ number }) => number === before);
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
