import type { ServiceSettings } from "../fastly/wire.ts";
import { SitefleetError } from "../lib/errors.ts";
import { messageOf } from "../lib/caught.ts";
import { readFields, initialFields } from "../mirror/api/fields.ts";
import type { VersionInput } from "../mirror/api/generated-vcl.ts";
import type { KindRow } from "../mirror/api/kind-row.ts";
import { DETAILED_KINDS } from "../mirror/api/kinds.ts";
import { CONTENT } from "../mirror/api/snippet-text.ts";
import { EMPTY_VERSION, textOf } from "../mirror/api/state.ts";
import type { Collection, KindName, ResourceRecord } from "../mirror/api/state.ts";

/** An object as Fastly's API shows it. */
export type WireObject = Readonly<Record<string, unknown>>;

/** An entry of an ACL; `subnet` is the length of a network's prefix, `null` for one address. */
export interface SideAclEntry {
  readonly ip: string;
  readonly subnet: number | null;
  readonly negated: boolean;
}

/** One version with all that acts in it, as data. */
export interface SideVersion {
  /** What errors call it: `version 41`, `the rendered version`. */
  readonly label: string;
  /** By the names that `/service/{id}/details` has for kinds: `vcls`, `backends`, `snippets`. */
  readonly objects: ReadonlyMap<string, readonly WireObject[]>;
  readonly settings: ServiceSettings;
  readonly domains: readonly string[];
  /** What has no version, by the name of its object. */
  readonly dictionaries: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly acls: ReadonlyMap<string, readonly SideAclEntry[]>;
  readonly dynamicSnippets: ReadonlyMap<string, string>;
}

const SERVICE = "replay";

/** What the mirror's control plane makes generated VCL of. Kinds that it does not know have no part in answers. */
export function versionInput(version: SideVersion): VersionInput {
  const resources: Record<KindName, readonly ResourceRecord[]> = { ...EMPTY_VERSION.resources };
  for (const { row, key } of DETAILED_KINDS) {
    resources[row.kind] = (version.objects.get(key) ?? []).map((object) => recordOf(row, object, version));
  }
  resources.director_backend = directorLinks(version);
  const { settings } = version;
  const contents = collections(version);
  return {
    serviceId: SERVICE,
    customerId: SERVICE,
    objects: {
      settings: {
        ...EMPTY_VERSION.settings,
        defaultHost: settings["general.default_host"],
        defaultTtl: settings["general.default_ttl"],
        staleIfError: settings["general.stale_if_error"],
      },
      resources,
    },
    collection: (id) => contents.get(id) ?? NOTHING,
  };
}

/** Which backends a director has is in the director itself where a version is shown whole. */
function directorLinks({ objects }: SideVersion): readonly ResourceRecord[] {
  return (objects.get("directors") ?? []).flatMap((director) => {
    const names: unknown = director["backends"];
    if (!Array.isArray(names)) return [];
    return names.map((name) => ({
      director_name: String(director["name"]),
      backend_name: String(name),
    }));
  });
}

const NOTHING: Collection = new Map();

/** The object's known fields; it is called by its name where versionless content is looked for. */
function recordOf(row: KindRow, object: WireObject, { label }: SideVersion): ResourceRecord {
  try {
    const record = { ...initialFields(row.fields), ...readFields(row.fields, object) };
    return row.hasId ? { ...record, id: idOf(row.kind, textOf(record, "name")) } : record;
  } catch (error) {
    const name = String(object["name"]);
    throw new SitefleetError("replay/invalid-vcl", `${row.kind} "${name}" of ${label}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function idOf(kind: KindName, name: string): string {
  return `${kind} ${name}`;
}

function collections(version: SideVersion): ReadonlyMap<string, Collection> {
  const found = new Map<string, Collection>();
  for (const [name, items] of version.dictionaries) {
    const records = [...items].map(([key, value]): [string, ResourceRecord] => [
      key,
      { item_key: key, item_value: value },
    ]);
    found.set(idOf("dictionary", name), new Map(records));
  }
  for (const [name, entries] of version.acls) {
    const records = entries.map(({ ip, subnet, negated }, at): [string, ResourceRecord] => [
      String(at),
      { ip, subnet, negated: negated ? "1" : "0" },
    ]);
    found.set(idOf("acl", name), new Map(records));
  }
  for (const [name, content] of version.dynamicSnippets) {
    found.set(idOf("snippet", name), new Map([[CONTENT, { [CONTENT]: content }]]));
  }
  return found;
}
