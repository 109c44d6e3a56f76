import { isOwnDictionary } from "../deploy/service/desired.ts";
import type { DesiredService } from "../deploy/service/desired.ts";
import type { ReadVersion } from "../deploy/live/read-version.ts";
import type { ServiceContent } from "../deploy/service/service-content.ts";
import type { FastlyClient } from "../fastly/client.ts";
import { DETAILED_KINDS } from "../mirror/api/kinds.ts";
import type { SideVersion, WireObject } from "./version-input.ts";

/** The live version, and how the service would be. */
export interface PlanSides {
  readonly before: SideVersion;
  readonly after: SideVersion;
  /** What the replay cannot know. */
  readonly warnings: readonly string[];
}

/** What of a version a plan decides. */
export interface PlannedVersion {
  readonly desired: Pick<DesiredService, "content" | "privateItems">;
  /** Objects that the plan takes away, of kinds in which others stay. */
  readonly drops: readonly { readonly kind: string; readonly name: string }[];
}

/**
 * Reads what else acts in the live version, and puts the planned one together of that and of what is wanted: objects that
 * sitefleet leaves alone stay in the next version. One call for the version, one for each table and dynamic snippet.
 */
export async function readPlanSides(
  client: FastlyClient,
  live: { readonly serviceId: string; readonly version: ReadVersion },
  planned: PlannedVersion,
): Promise<PlanSides> {
  const { serviceId, version } = live;
  const details = await client.readDetails(serviceId, version.number);
  const shown = details.version?.number === version.number ? details.version : undefined;
  const others = new Map(DETAILED_KINDS.map(({ key }) => [key, wireObjects(shown?.[key])]));
  const tables = await readTables(
    client,
    { ...live, snippets: others.get("snippets") ?? [] },
    planned.desired,
  );
  const before: SideVersion = {
    label: `version ${version.number}`,
    objects: new Map([...others, ...objectsOf(version.content, others)]),
    settings: version.content.settings,
    domains: version.content.domains,
    ...tables,
  };
  const hidden = version.content.dictionaries.filter(
    ({ name, write_only }) => write_only && !isOwnDictionary(name),
  );
  return {
    before,
    after: plannedSide(planned, before),
    warnings: hidden.map(
      ({ name }) =>
        `replay: nobody can read the items of the private dictionary "${name}": both sides see it empty`,
    ),
  };
}

/** The version that a plan makes, out of the one that is live; without one out of nothing. */
export function plannedSide({ desired, drops }: PlannedVersion, base?: SideVersion): SideVersion {
  const { content } = desired;
  const objects = new Map(base?.objects);
  const dropped = new Set(drops.map(({ kind, name }) => `${kind} ${name}`));
  for (const [key, list] of objectsOf(content, objects)) {
    const wanted = new Set(list.map(({ name }) => name));
    const stays = KEPT_KINDS.get(key);
    const kept =
      stays === undefined
        ? []
        : (objects.get(key) ?? []).filter(
            ({ name }) => !wanted.has(name) && !dropped.has(`${stays} ${String(name)}`),
          );
    objects.set(key, [...kept, ...list]);
  }
  const dictionaries = new Map(base?.dictionaries);
  for (const { name, items } of content.dictionaries) {
    if (items !== undefined) dictionaries.set(name, new Map(items.map(({ key, value }) => [key, value])));
  }
  for (const [name, items] of privateTables(desired)) dictionaries.set(name, items);
  return {
    label: "the rendered version",
    objects,
    settings: content.settings,
    domains: content.domains,
    dictionaries,
    acls: new Map([
      ...(base?.acls ?? []),
      ...content.acls.map(({ name, entries }) => [name, entries] as const),
    ]),
    dynamicSnippets: new Map(base?.dynamicSnippets),
  };
}

/** Kinds of which others may have made some too, with their names in a plan's steps; of the rest only ours exist. */
const KEPT_KINDS: ReadonlyMap<string, string> = new Map([
  ["acls", "acl"],
  ["dictionaries", "dictionary"],
  ["snippets", "snippet"],
]);

/** What sitefleet decides, by kind; fields that it says nothing of stay as they are in `known`. */
function objectsOf(
  content: ServiceContent,
  known: ReadonlyMap<string, readonly WireObject[]>,
): ReadonlyMap<string, readonly WireObject[]> {
  const lists: readonly (readonly [string, readonly { readonly name: string }[]])[] = [
    ["vcls", content.vcls],
    ["backends", content.backends],
    ["healthchecks", content.healthchecks],
    ["snippets", content.snippets],
    ["domains", content.domains.map((name) => ({ name }))],
    ["dictionaries", content.dictionaries.map(({ name, write_only }) => ({ name, write_only }))],
    ["acls", content.acls.map(({ name }) => ({ name }))],
  ];
  return new Map(
    lists.map(([key, list]) => {
      const before = new Map((known.get(key) ?? []).map((object) => [object["name"], object]));
      return [key, list.map((object) => ({ ...before.get(object.name), ...object }))];
    }),
  );
}

function wireObjects(value: unknown): readonly WireObject[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((object: unknown) =>
    typeof object === "object" && object !== null ? [Object.fromEntries(Object.entries(object))] : [],
  );
}

/** Values that no API tells are those that would be written: a key that was changed since is a step of its own. */
function privateTables({
  privateItems,
}: PlannedVersion["desired"]): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const tables = new Map<string, Map<string, string>>();
  for (const { dictionary, key, value } of privateItems) {
    const items = tables.get(dictionary) ?? new Map<string, string>();
    tables.set(dictionary, items.set(key, value.reveal()));
  }
  return tables;
}

async function readTables(
  client: FastlyClient,
  live: {
    readonly serviceId: string;
    readonly version: ReadVersion;
    readonly snippets: readonly WireObject[];
  },
  desired: PlannedVersion["desired"],
): Promise<Pick<SideVersion, "dictionaries" | "acls" | "dynamicSnippets">> {
  const { serviceId, version } = live;
  const readable = version.dictionaries.filter(({ write_only }) => !write_only);
  const dynamic = live.snippets.filter((snippet) => String(snippet["dynamic"]) === "1");
  const [dictionaries, acls, snippets] = await Promise.all([
    Promise.all(
      readable.map(async ({ id, name }) => {
        const items = await client.listItems({ serviceId, dictionaryId: id });
        return [name, new Map(items.map(({ item_key, item_value }) => [item_key, item_value]))] as const;
      }),
    ),
    Promise.all(
      version.acls.map(async ({ id, name }) => {
        return [name, await client.listEntries({ serviceId, aclId: id })] as const;
      }),
    ),
    Promise.all(
      dynamic.map(async (snippet) => {
        const ref = { serviceId, snippetId: String(snippet["id"]) };
        return [String(snippet["name"]), await client.readDynamicSnippet(ref)] as const;
      }),
    ),
  ]);
  return {
    dictionaries: new Map([...dictionaries, ...privateTables(desired)]),
    acls: new Map(acls),
    dynamicSnippets: new Map(snippets),
  };
}
