import { fromByteString, toByteString } from "../../http/byte-string.ts";
import { buildAcl } from "../../vcl/acl.ts";
import type { Acl, LiveAcl } from "../../vcl/acl.ts";
import type { LiveTable } from "../../vcl/runtime.ts";
import type { VersionInput } from "./generated-vcl.ts";
import { numberOf, textOf } from "./state.ts";
import type { Collection } from "./state.ts";
import { vclName } from "./vcl-text.ts";

/**
 * The dictionaries as the running program reads them: by name, each reading its items as they are at that moment, so
 * that a changed item needs no new version.
 */
export function liveTables({ objects, collection }: VersionInput): ReadonlyMap<string, LiveTable> {
  return new Map(
    objects.resources.dictionary.map((dictionary) => {
      const id = textOf(dictionary, "id");
      const table: LiveTable = {
        get: (key) => liveValue(collection(id), key),
        has: (key) => liveValue(collection(id), key) !== undefined,
      };
      return [vclName(textOf(dictionary, "name")), table];
    }),
  );
}

/** The items of private (write-only) dictionaries as they are when asked for. */
export function liveSecrets({
  objects,
  collection,
}: Pick<VersionInput, "objects" | "collection">): readonly string[] {
  return objects.resources.dictionary
    .filter((dictionary) => dictionary["write_only"] === true)
    .flatMap((dictionary) => [...collection(textOf(dictionary, "id")).values()])
    .map((item) => toByteString(textOf(item, "item_value")));
}

/** The ACLs as the running program asks them: by name, each answering from its entries as they are at that moment. */
export function liveAcls({ objects, collection }: VersionInput): ReadonlyMap<string, LiveAcl> {
  return new Map(
    objects.resources.acl.map((acl) => {
      const id = textOf(acl, "id");
      const name = vclName(textOf(acl, "name"));
      // Entries are replaced whole when one changes, so the same collection is the same ACL.
      let built: { readonly entries: Collection; readonly acl: Acl } | null = null;
      const live: LiveAcl = {
        matches(ip) {
          const entries = collection(id);
          if (built?.entries !== entries) built = { entries, acl: aclOf(name, entries) };
          return built.acl.matches(ip);
        },
      };
      return [name, live];
    }),
  );
}

function aclOf(name: string, entries: Collection): Acl {
  const ranges = [...entries.values()].map((entry) => ({
    negated: entry["negated"] === "1",
    address: textOf(entry, "ip"),
    mask: entry["subnet"] === null ? undefined : numberOf(entry, "subnet"),
  }));
  return buildAcl(name, ranges);
}

// VCL keeps bytes; keys are compared as the bytes of their UTF-8.
function liveValue(items: Collection, key: string): string | undefined {
  const item = items.get(fromByteString(key));
  return item === undefined ? undefined : toByteString(textOf(item, "item_value"));
}
