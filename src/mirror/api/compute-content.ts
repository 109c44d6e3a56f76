import type {
  ComputeContent,
  ComputePackage,
  ConfigStoreView,
  KvStoreView,
  SecretStoreView,
} from "../compute-content.ts";
import { computeBackends } from "./compute-backends.ts";
import type { DataStores } from "./data-stores.ts";
import type { VersionInput } from "./generated-vcl.ts";
import type { PackageFiles } from "./package-files.ts";
import { packageOf } from "./package-record.ts";
import { linkedKind } from "./resource-link-kind.ts";
import { numberOf, textOf } from "./state.ts";
import type { ResourceRecord } from "./state.ts";

/** Where content is that has no version. */
export interface ComputeSources {
  readonly stores: DataStores;
  readonly packages: PackageFiles;
}

/**
 * What the program of a version can reach. Links, backends and package are the version's; what is in a store is read as
 * it is at that moment. A link whose store is gone is no store: programs cannot open it. `null`: the version has no package.
 */
export function computeContentOf(input: VersionInput, sources: ComputeSources): ComputeContent | null {
  const record = packageOf(input.objects);
  if (record === undefined) return null;
  const { stores } = sources;
  const links = input.objects.resources.resource.filter((link) => stores.kindOf(storeId(link)) !== null);
  const secretIds = links.filter((link) => linkedKind(link) === "secret-store").map(storeId);
  return {
    package: packageView(record, sources.packages),
    configStores: new Map([
      ...dictionaries(input),
      ...views(links, "config", (id) => configView(stores, id)),
    ]),
    secretStores: views(links, "secret-store", (id) => secretView(stores, id)),
    kvStores: views(links, "kv-store", (id) => kvView(stores, id)),
    backends: computeBackends(input.objects, input.serviceId),
    secrets: () => secretIds.flatMap((id) => secretTexts(stores, id)),
  };
}

function views<T>(
  links: readonly ResourceRecord[],
  kind: ReturnType<typeof linkedKind>,
  view: (storeId: string) => T,
): ReadonlyMap<string, T> {
  return new Map(
    links
      .filter((link) => linkedKind(link) === kind)
      .map((link) => [textOf(link, "name"), view(storeId(link))]),
  );
}

function storeId(link: ResourceRecord): string {
  return textOf(link, "resource_id");
}

function packageView(record: ResourceRecord, packages: PackageFiles): ComputePackage {
  const hashsum = textOf(record, "hashsum");
  return {
    name: textOf(record, "name"),
    language: textOf(record, "language"),
    size: numberOf(record, "size"),
    hashsum,
    filesHash: textOf(record, "files_hash"),
    mirrorOnly: record["mirror_only"] === true,
    read: () => packages.read(hashsum),
  };
}

/** Programs open dictionaries of their version as they do config stores. */
function dictionaries({ objects, collection }: VersionInput): readonly [string, ConfigStoreView][] {
  return objects.resources.dictionary.map((dictionary) => {
    const id = textOf(dictionary, "id");
    const get = (key: string): string | undefined => itemText(collection(id).get(key));
    return [textOf(dictionary, "name"), { get }];
  });
}

function configView({ config }: DataStores, id: string): ConfigStoreView {
  return { get: (key) => itemText(config.find(id)?.items.get(key)) };
}

function itemText(item: ResourceRecord | undefined): string | undefined {
  return item === undefined ? undefined : textOf(item, "item_value");
}

function secretView({ secret }: DataStores, id: string): SecretStoreView {
  return {
    get(name) {
      const record = secret.find(id)?.items.get(name);
      return record === undefined ? undefined : Buffer.from(textOf(record, "secret"), "base64");
    },
  };
}

function secretTexts({ secret }: DataStores, id: string): readonly string[] {
  const records = [...(secret.find(id)?.items.values() ?? [])];
  return records.map((record) => Buffer.from(textOf(record, "secret"), "base64").toString("utf8"));
}

function kvView({ kv }: DataStores, id: string): KvStoreView {
  return {
    get: (key) => kv.get(id, key),
    put: (key, value, write) => kv.put(id, { key, value }, write),
    delete: async (key) => (await kv.delete(id, key)) === "stored",
    list: (page) => kv.list(id, page),
  };
}
