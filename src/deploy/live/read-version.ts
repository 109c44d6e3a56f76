import { z } from "zod";
import type { VersionRef } from "../../fastly/api-paths.ts";
import type { FastlyClient } from "../../fastly/client.ts";
import {
  ACL,
  BACKEND,
  DICTIONARY,
  DOMAIN,
  HEALTHCHECK,
  SNIPPET,
  VCL,
  loggingOf,
} from "../../fastly/objects.ts";
import type { ObjectKind } from "../../fastly/objects.ts";
import { settings as settingsAnswer } from "../../fastly/wire.ts";
import type { Acl, AclEntry, Dictionary, ServiceDetails } from "../../fastly/wire.ts";
import type { DesiredService } from "../service/desired.ts";
import { LOGGING_KINDS } from "../../lib/fastly-names.ts";
import { loggingAsWished } from "../service/loggings.ts";
import type { LoggingWish } from "../service/loggings.ts";
import type { FoundStore } from "../compute/stores.ts";
import { readCompute } from "./read-compute.ts";
import { EMPTY_CONTENT, sortContent } from "../service/service-content.ts";
import type {
  AclContent,
  DictionaryContent,
  LoggingContent,
  ServiceContent,
} from "../service/service-content.ts";

/** One version read as data. */
export interface ReadVersion {
  readonly number: number;
  readonly comment: string;
  readonly content: ServiceContent;
  /** With their ids, which a clone keeps; of a Compute service the deployer's stores in their place, by `readLive`. */
  readonly dictionaries: readonly Dictionary[];
  readonly acls: readonly Acl[];
  /** Objects of kinds that sitefleet never makes. */
  readonly others: readonly { readonly kind: string; readonly names: readonly string[] }[];
}

/** In which logging endpoints a version is read: those of the kinds that are wanted, and of further ones. */
export interface VersionWish extends LoggingWish {
  readonly kinds: readonly string[];
  /** Stores whose names are known, for what a Compute service's version links to; default: none. */
  readonly stores?: readonly FoundStore[];
}

/** Of nothing but what every version has. */
export const NO_WISH: VersionWish = { loggings: [], variables: new Map(), kinds: [] };

type Versioned = ServiceDetails["version"];

/**
 * Reads what sitefleet decides of one version: one call where the service's details hold every kind, one more for each
 * kind that they lack, and for each kind of logging endpoint.
 */
export async function readVersion(
  client: FastlyClient,
  ref: VersionRef,
  wish: VersionWish = NO_WISH,
): Promise<ReadVersion> {
  const details = await client.readDetails(ref.serviceId, ref.version);
  // The parameter is young: where it is not known, the active version is shown.
  const shown = details.version?.number === ref.version ? details.version : undefined;
  const read = <T extends { readonly name: string }>(
    kind: ObjectKind<T, never>,
    place: { readonly key: string; readonly proof: string },
  ): Promise<readonly T[]> => listed(client, { ref, shown, kind, ...place });
  const isCompute = details.type === "wasm";
  // What only VCL has does nothing in a Compute service.
  const readVcl: typeof read = (kind, place) => (isCompute ? Promise.resolve([]) : read(kind, place));
  const [vcls, backends, healthchecks, domains, dictionaries, acls, snippets, settings, loggings, compute] =
    await Promise.all([
      readVcl(VCL, { key: "vcls", proof: "content" }),
      read(BACKEND, { key: "backends", proof: "first_byte_timeout" }),
      read(HEALTHCHECK, { key: "healthchecks", proof: "threshold" }),
      read(DOMAIN, { key: "domains", proof: "name" }),
      readVcl(DICTIONARY, { key: "dictionaries", proof: "write_only" }),
      readVcl(ACL, { key: "acls", proof: "id" }),
      readVcl(SNIPPET, { key: "snippets", proof: "content" }),
      isCompute
        ? EMPTY_CONTENT.settings
        : (settingsAnswer.safeParse(shown?.["settings"]).data ?? client.readSettings(ref)),
      readLoggings(client, ref, wish),
      isCompute ? readCompute(client, ref, wish.stores ?? []) : null,
    ]);
  const content = sortContent({
    vcls,
    backends,
    healthchecks,
    domains: domains.map((domain) => domain.name),
    dictionaries: dictionaries.map(({ name, write_only }) => ({ name, write_only })),
    acls: acls.map(({ name }) => ({ name, entries: [] })),
    snippets,
    loggings,
    settings,
    compute,
  });
  const comment = commentOf(shown) ?? (await commentIn(client, ref));
  return { number: ref.version, comment, content, dictionaries, acls, others: othersIn(shown) };
}

const commented = z.object({ comment: z.string().nullish() });

function commentOf(shown: Versioned): string | undefined {
  const found = commented.safeParse(shown);
  return found.success ? (found.data.comment ?? "") : undefined;
}

async function commentIn(client: FastlyClient, ref: VersionRef): Promise<string> {
  const versions = await client.listVersions(ref.serviceId);
  return versions.find(({ number }) => number === ref.version)?.comment ?? "";
}

/** The objects of a kind as the details show them, else read by themselves: a summary without the field `proof` will not do. */
async function listed<T extends { readonly name: string }>(
  client: FastlyClient,
  what: {
    readonly ref: VersionRef;
    readonly shown: Versioned;
    readonly kind: ObjectKind<T, never>;
    readonly key: string;
    readonly proof: string;
  },
): Promise<readonly T[]> {
  const { ref, shown, kind, key, proof } = what;
  const objects = z.array(z.record(z.string(), z.unknown())).safeParse(shown?.[key]);
  if (!objects.success || objects.data.some((object) => !(proof in object))) return client.list(kind, ref);
  const found = z.array(kind.answer).safeParse(objects.data);
  return found.success ? found.data : client.list(kind, ref);
}

/** Details have no logging endpoints: each kind is read by itself. */
async function readLoggings(
  client: FastlyClient,
  ref: VersionRef,
  wish: VersionWish,
): Promise<readonly LoggingContent[]> {
  const kinds = [...new Set([...wish.loggings.map(({ kind }) => kind), ...wish.kinds])].sort();
  const lists = await Promise.all(
    kinds.map(async (kind) => {
      const endpoints = await client.list(loggingOf(kind), ref);
      return endpoints.map((endpoint) => loggingAsWished({ kind, endpoint }, wish));
    }),
  );
  return lists.flat();
}

/** Where a wanted endpoint is not there, one of any other kind may have its name. */
async function readLoggingsFully(
  client: FastlyClient,
  ref: VersionRef,
  wish: VersionWish,
): Promise<readonly LoggingContent[]> {
  const found = await readLoggings(client, ref, wish);
  const isThere = wish.loggings.every((wanted) =>
    found.some(({ kind, name }) => kind === wanted.kind && name === wanted.name),
  );
  return isThere ? found : readLoggings(client, ref, { ...wish, kinds: LOGGING_KINDS });
}

/** Reads what has no version: items and entries of the tables that are wanted. */
export async function readVersionTables(
  client: FastlyClient,
  what: {
    readonly version: ReadVersion;
    readonly serviceId: string;
    readonly wish: VersionWish;
    readonly desired: Pick<DesiredService, "content"> | undefined;
  },
): Promise<ReadVersion> {
  const { version, serviceId, desired } = what;
  if (!desired) return version;
  const ref = { serviceId, version: version.number };
  const [dictionaries, acls, loggings] = await Promise.all([
    Promise.all(
      version.content.dictionaries.map((one) =>
        withItems(client, one, { serviceId, id: idIn(version.dictionaries, one.name), desired }),
      ),
    ),
    Promise.all(
      version.content.acls.map((one) =>
        withEntries(client, one, { serviceId, id: idIn(version.acls, one.name), desired }),
      ),
    ),
    readLoggingsFully(client, ref, what.wish),
  ]);
  return { ...version, content: sortContent({ ...version.content, dictionaries, acls, loggings }) };
}

interface TableRead {
  readonly serviceId: string;
  readonly id: string;
  readonly desired: Pick<DesiredService, "content">;
}

async function withItems(
  client: FastlyClient,
  dictionary: DictionaryContent,
  { serviceId, id, desired }: TableRead,
): Promise<DictionaryContent> {
  const wanted = desired.content.dictionaries.find(({ name }) => name === dictionary.name);
  if (wanted?.items === undefined || dictionary.write_only) return dictionary;
  const items = await client.listItems({ serviceId, dictionaryId: id });
  return {
    ...dictionary,
    items: items.map(({ item_key, item_value }) => ({ key: item_key, value: item_value })),
  };
}

async function withEntries(
  client: FastlyClient,
  acl: AclContent,
  { serviceId, id, desired }: TableRead,
): Promise<AclContent> {
  if (!desired.content.acls.some(({ name }) => name === acl.name)) return acl;
  const entries = await client.listEntries({ serviceId, aclId: id });
  return { ...acl, entries: entries.map(toRule) };
}

function toRule({ ip, subnet, negated, comment }: AclEntry): AclContent["entries"][number] {
  return { ip, subnet, negated, comment };
}

function idIn(list: readonly { readonly id: string; readonly name: string }[], name: string): string {
  return list.find((one) => one.name === name)?.id ?? "";
}

/** Kinds in `details` that a plan compares itself. */
const MANAGED: ReadonlySet<string> = new Set([
  "acls",
  "backends",
  "dictionaries",
  "domains",
  "healthchecks",
  "snippets",
  "vcls",
]);

function othersIn(shown: Versioned): ReadVersion["others"] {
  return Object.entries(shown ?? {})
    .filter(([kind]) => !MANAGED.has(kind))
    .map(([kind, objects]) => ({ kind, names: namesIn(objects) }))
    .filter(({ names }) => names.length > 0);
}

function namesIn(objects: unknown): readonly string[] {
  if (!Array.isArray(objects)) return [];
  return objects.map((object: unknown) =>
    typeof object === "object" && object !== null && "name" in object ? String(object.name) : "(unnamed)",
  );
}
