import type { FastlyClient } from "../../fastly/client.ts";
import { SitefleetError } from "../../lib/errors.ts";
import type { ServiceInfo, VersionInfo } from "../../fastly/wire.ts";
import { findStores, isOwnLink } from "../compute/stores.ts";
import type { FoundStore } from "../compute/stores.ts";
import { PRIVATE_DICTIONARY } from "../../render/constants.ts";
import { STATE_DICTIONARY, isOwnDictionary } from "../service/desired.ts";
import type { DesiredService, WantedService } from "../service/desired.ts";
import { LOCAL_SERVICE } from "../../settings/local.ts";
import { isOurs, ownedIn, ownedLoggingKinds } from "./ownership.ts";
import { NO_WISH, readVersion, readVersionTables } from "./read-version.ts";
import type { ReadVersion, VersionWish } from "./read-version.ts";
import type { ServiceContent } from "../service/service-content.ts";
import { LOGGING_KINDS, isLoggingKind } from "../../lib/fastly-names.ts";
import { ownStamp } from "./stamp.ts";
import { parseState } from "./state.ts";
import type { DeployState } from "./state.ts";
import { dictionaryTables, storeTables } from "./tables.ts";

/** A service as it is. */
export interface LiveService {
  readonly id: string;
  readonly name: string;
  readonly versions: readonly VersionInfo[];
  readonly active: ReadVersion | undefined;
  /**
   * The content of the version that sitefleet last made live, by which changes by hand are told from its own: that of
   * the active version where it made that itself, `undefined` where it made none.
   */
  readonly written: ServiceContent | undefined;
  readonly state: DeployState;
  /** The wanted stores that are there; none of a VCL service. */
  readonly stores: readonly FoundStore[];
  /** Objects in the active version that sitefleet did not make and leaves alone, unless it wants one of that name. */
  readonly foreign: readonly { readonly kind: string; readonly names: readonly string[] }[];
}

/** What a service is looked for by. */
export type ServiceName = Pick<WantedService, "id" | "name"> & Partial<WantedService>;

/**
 * Finds the service by its id, else by its name.
 * @param wanted without a target a service of any type will do
 * @returns `undefined` when there is none of that name
 * @throws SitefleetError `deploy/no-service` when the id is unknown, `compute/other-target`
 */
export async function findService(
  client: FastlyClient,
  wanted: ServiceName,
): Promise<ServiceInfo | undefined> {
  const found =
    wanted.id === undefined ? await client.findService(wanted.name) : await client.readService(wanted.id);
  if (!found && wanted.id !== undefined) {
    throw new SitefleetError("deploy/no-service", `Fastly has no service "${wanted.id}" for this token`, {
      hint: "check `fastly.serviceId` in the settings and the token's account",
    });
  }
  if (found && wanted.target !== undefined) refuseOtherTarget(found, wanted.target);
  return found;
}

const KEPT_BY_THE_MIRROR =
  "the mirror keeps what was deployed to it: start it with the other `mirror up --target`, give it another folder with --state, or empty this one with `mirror reset`";

/** As Fastly calls them. */
export const SERVICE_TYPES = { vcl: "vcl", compute: "wasm" } as const;

function refuseOtherTarget(found: ServiceInfo, target: WantedService["target"]): void {
  if (found.type === SERVICE_TYPES[target]) return;
  const other = target === "vcl" ? "a Compute" : "a VCL";
  throw new SitefleetError(
    "compute/other-target",
    `the settings want target "${target}", and service "${found.name}" is ${found.type === SERVICE_TYPES[target === "vcl" ? "compute" : "vcl"] ? other : `a ${found.type}`} service`,
    {
      hint:
        found.name === LOCAL_SERVICE
          ? KEPT_BY_THE_MIRROR
          : "a service keeps its type: give the environment another `fastly.serviceName` (and no `serviceId` of this one), deploy with --create, verify both, then move the domains; docs/compute.md tells the steps",
    },
  );
}

/**
 * Reads the service with its active version; nothing is written. Three calls, one for each dictionary and ACL that is
 * wanted and there, and one for each kind of logging endpoint that is wanted or known to be there. Where somebody else's
 * version is live, every kind of endpoint is read, and the last version of ours.
 */
export async function readLive(
  client: FastlyClient,
  wanted: ServiceName,
  desired?: Pick<DesiredService, "content" | "variables">,
): Promise<LiveService | undefined> {
  const service = await findService(client, wanted);
  if (!service) return undefined;
  const { id, name, versions } = service;
  const stores = await findStores(client, wanted.stores ?? []);
  const info = versions.find((version) => version.active);
  if (!info) {
    const state = parseState([]);
    return { id, name, versions, active: undefined, written: undefined, state, stores, foreign: [] };
  }
  const wish: VersionWish = {
    loggings: desired?.content.loggings ?? [],
    variables: desired?.variables ?? new Map(),
    kinds: [],
    stores,
  };
  const ref = { serviceId: id, version: info.number };
  const bare = await withStores(client, await readVersion(client, ref, { ...NO_WISH, stores }), stores);
  const state = await readState(client, { serviceId: id, stores, version: bare });
  const known = { ...wish, kinds: loggingKinds(bare, state) };
  const active = await readVersionTables(client, { version: bare, serviceId: id, wish: known, desired });
  const written = await readWritten(client, { service, active, state, wish: known });
  return { id, name, versions, active, written, state, stores, foreign: foreignObjects(active, state) };
}

/** A Compute service's version with the deployer's stores in place of dictionaries. */
async function withStores(
  client: FastlyClient,
  version: ReadVersion,
  stores: readonly FoundStore[],
): Promise<ReadVersion> {
  if (version.content.compute === null) return version;
  const secrets = storeTables(client, { serviceId: "", stores }).items(PRIVATE_DICTIONARY);
  if (!secrets) return version;
  const table = { id: await secrets.identity(), name: PRIVATE_DICTIONARY, write_only: true };
  return { ...version, dictionaries: [table] };
}

async function readState(
  client: FastlyClient,
  of: {
    readonly serviceId: string;
    readonly stores: readonly FoundStore[];
    readonly version: ReadVersion;
  },
): Promise<DeployState> {
  const dictionaries = of.version.dictionaries.filter(({ write_only }) => !write_only);
  const isCompute = of.version.content.compute !== null;
  const tables = isCompute ? storeTables(client, of) : dictionaryTables(client, { ...of, dictionaries });
  return parseState((await tables.items(STATE_DICTIONARY)?.list()) ?? []);
}

/**
 * The kinds in which endpoints are looked for. Each costs a call, and in a version of ours there are none in kinds that are
 * not remembered; where somebody else made the version there may be some in any.
 */
function loggingKinds(active: ReadVersion, { journal, record }: DeployState): readonly string[] {
  if (!isOurs(active, journal)) return LOGGING_KINDS;
  return [...ownedLoggingKinds(ownedIn(record, active.number)), ...record.kinds].filter(isLoggingKind);
}

/** Fastly keeps every version as it went live, so what sitefleet last wrote can be read there. */
async function readWritten(
  client: FastlyClient,
  known: {
    readonly service: ServiceInfo;
    readonly active: ReadVersion;
    readonly state: DeployState;
    readonly wish: VersionWish;
  },
): Promise<ServiceContent | undefined> {
  const { service, active, state, wish } = known;
  if (isOurs(active, state.journal)) return active.content;
  const candidates = service.versions
    .filter((version) => version.locked && version.number !== active.number && ownStamp(version))
    .map(({ number }) => number);
  const { journal } = state;
  const last = journal?.state === "verified" ? journal.version : journal?.former;
  const number = candidates.find((candidate) => candidate === last) ?? Math.max(0, ...candidates);
  if (number === 0) return undefined;
  const { content } = await readVersion(client, { serviceId: service.id, version: number }, wish);
  return content;
}

/** Objects that are not recorded as sitefleet's, in the kinds that others make too, and all of the other kinds. */
function foreignObjects(active: ReadVersion, state: DeployState): LiveService["foreign"] {
  const owned = ownedIn(state.record, active.number);
  const mine = (kind: string, name: string): boolean => owned.has(`${kind}/${name}`);
  const { content } = active;
  const shared = [
    { kind: "acls", names: content.acls.filter(({ name }) => !mine("acl", name)) },
    {
      kind: "dictionaries",
      names: content.dictionaries.filter(({ name }) => !isOwnDictionary(name) && !mine("dictionary", name)),
    },
    { kind: "snippets", names: content.snippets.filter(({ name }) => !mine("snippet", name)) },
    {
      kind: "logging endpoints",
      names: content.loggings.filter(({ kind, name }) => !mine("logging", `${kind}/${name}`)),
    },
    { kind: "links", names: (content.compute?.links ?? []).filter(({ name }) => !isOwnLink(name)) },
  ].map(({ kind, names }) => ({ kind, names: names.map(({ name }) => name) }));
  return [...shared, ...active.others]
    .filter(({ names }) => names.length > 0)
    .sort((a, b) => (a.kind < b.kind ? -1 : 1));
}
