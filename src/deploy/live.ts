import type { VersionRef } from "../fastly/api-paths.ts";
import type { FastlyClient } from "../fastly/client.ts";
import { BACKEND, DICTIONARY, DOMAIN, HEALTHCHECK, VCL } from "../fastly/objects.ts";
import type { Dictionary, ServiceDetails, ServiceInfo, VersionInfo } from "../fastly/wire.ts";
import { SitefleetError } from "../lib/errors.ts";
import { STATE_DICTIONARY, sortContent } from "./desired.ts";
import type { DesiredService, ServiceContent } from "./desired.ts";
import { parseState } from "./state.ts";
import type { DeployState } from "./state.ts";

/** One version read as data. */
export interface ReadVersion {
  readonly number: number;
  readonly comment: string;
  readonly content: ServiceContent;
  /** With their ids, which a clone keeps. */
  readonly dictionaries: readonly Dictionary[];
}

/** A service as it is. */
export interface LiveService {
  readonly id: string;
  readonly name: string;
  readonly versions: readonly VersionInfo[];
  readonly active: ReadVersion | undefined;
  readonly state: DeployState;
  /** Objects in the active version of kinds that sitefleet leaves alone. */
  readonly foreign: readonly { readonly kind: string; readonly names: readonly string[] }[];
}

/**
 * Finds the service by its id, else by its name.
 * @returns `undefined` when there is none of that name
 * @throws SitefleetError `deploy/no-service` when the id is unknown or not a VCL service
 */
export async function findService(
  client: FastlyClient,
  wanted: DesiredService["service"],
): Promise<ServiceInfo | undefined> {
  const found =
    wanted.id === undefined ? await client.findService(wanted.name) : await client.readService(wanted.id);
  if (!found && wanted.id !== undefined) {
    throw new SitefleetError("deploy/no-service", `Fastly has no service "${wanted.id}" for this token`, {
      hint: "check `fastly.serviceId` in the settings and the token's account",
    });
  }
  if (found && found.type !== "vcl") {
    throw new SitefleetError("deploy/no-service", `service "${found.name}" is a ${found.type} service`, {
      hint: "name a VCL service in the settings, or none: `deploy apply --create` makes one",
    });
  }
  return found;
}

/** Reads the service with its active version; nine calls, none of which writes. */
export async function readLive(
  client: FastlyClient,
  wanted: DesiredService["service"],
): Promise<LiveService | undefined> {
  const service = await findService(client, wanted);
  if (!service) return undefined;
  const { id, name, versions } = service;
  const info = versions.find((version) => version.active);
  if (!info) {
    return { id, name, versions, active: undefined, state: parseState([]), foreign: [] };
  }
  const [active, details] = await Promise.all([
    readVersion(client, { serviceId: id, version: info.number }),
    client.readDetails(id),
  ]);
  const state = await readState(client, id, active.dictionaries);
  return {
    id,
    name,
    versions,
    active: { ...active, comment: info.comment },
    state,
    foreign: foreignObjects(details, info.number),
  };
}

/** Reads what sitefleet decides of one version. */
export async function readVersion(
  client: FastlyClient,
  ref: VersionRef,
): Promise<Omit<ReadVersion, "comment">> {
  const [vcls, backends, healthchecks, domains, dictionaries, settings] = await Promise.all([
    client.list(VCL, ref),
    client.list(BACKEND, ref),
    client.list(HEALTHCHECK, ref),
    client.list(DOMAIN, ref),
    client.list(DICTIONARY, ref),
    client.readSettings(ref),
  ]);
  const content = sortContent({
    vcls,
    backends,
    healthchecks,
    domains: domains.map((domain) => domain.name),
    dictionaries: dictionaries.map(({ name, write_only }) => ({ name, write_only })),
    settings,
  });
  return { number: ref.version, content, dictionaries };
}

async function readState(
  client: FastlyClient,
  serviceId: string,
  dictionaries: readonly Dictionary[],
): Promise<DeployState> {
  const found = dictionaries.find(({ name, write_only }) => name === STATE_DICTIONARY && !write_only);
  return parseState(found ? await client.listItems({ serviceId, dictionaryId: found.id }) : []);
}

/** Kinds in `details` that a plan compares itself. */
const MANAGED: ReadonlySet<string> = new Set(["backends", "dictionaries", "domains", "healthchecks", "vcls"]);

function foreignObjects(details: ServiceDetails, active: number): LiveService["foreign"] {
  const { version } = details;
  if (version?.number !== active) return []; // someone activated another version meanwhile; apply checks that
  return Object.entries(version)
    .filter(([kind]) => !MANAGED.has(kind))
    .map(([kind, objects]) => ({ kind, names: namesIn(objects) }))
    .filter(({ names }) => names.length > 0)
    .sort((a, b) => (a.kind < b.kind ? -1 : 1));
}

function namesIn(objects: unknown): readonly string[] {
  if (!Array.isArray(objects)) return [];
  return objects.map((object: unknown) =>
    typeof object === "object" && object !== null && "name" in object ? String(object.name) : "(unnamed)",
  );
}
