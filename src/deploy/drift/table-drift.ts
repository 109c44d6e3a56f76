import type { DriftEntry } from "../plan/deploy-plan.ts";
import type { LiveService } from "../live/live.ts";
import { describeRule } from "../service/service-content.ts";
import type {
  AclContent,
  AclRule,
  DictionaryContent,
  ServiceContent,
  TableItem,
} from "../service/service-content.ts";
import { digestOf } from "../live/state.ts";

/** Digest by which an item is known again as one that sitefleet wrote. */
function itemDigest(dictionary: string, item: TableItem): string {
  return digestOf("item", dictionary, item.key, item.value);
}

/** Digest by which an entry is known again as one that sitefleet wrote. */
function entryDigest(acl: string, entry: AclRule): string {
  return digestOf("entry", acl, describeRule(entry), entry.comment);
}

/** Digests of all that a content has without a version. */
export function writtenDigests(content: ServiceContent): readonly string[] {
  return [
    ...content.dictionaries.flatMap(({ name, items }) => (items ?? []).map((item) => itemDigest(name, item))),
    ...content.acls.flatMap(({ name, entries }) => entries.map((entry) => entryDigest(name, entry))),
  ].sort();
}

/** Items and entries that were changed by hand and are not as wanted. */
export function tableDrift(wanted: ServiceContent, live: LiveService): readonly DriftEntry[] {
  const { active, state } = live;
  if (!active) return [];
  const written: ReadonlySet<string> = new Set(state.record.written);
  return [
    ...wanted.dictionaries.flatMap((target) => {
      const found = active.content.dictionaries.find(({ name }) => name === target.name);
      return found ? itemDrift(target, { found, written }) : [];
    }),
    ...wanted.acls.flatMap((target) => {
      const found = active.content.acls.find(({ name }) => name === target.name);
      return found ? entryDrift(target, { found, written }) : [];
    }),
  ];
}

function itemDrift(
  target: DictionaryContent,
  { found, written }: { readonly found: DictionaryContent; readonly written: ReadonlySet<string> },
): readonly DriftEntry[] {
  if (target.items === undefined || found.items === undefined) return [];
  const wanted = new Map(target.items.map(({ key, value }) => [key, value]));
  const present = new Map(found.items.map(({ key, value }) => [key, value]));
  const wrote = (key: string, value: string): boolean => written.has(itemDigest(target.name, { key, value }));
  return [...new Set([...wanted.keys(), ...present.keys()])].sort().flatMap((key): readonly DriftEntry[] => {
    const [want, have] = [wanted.get(key), present.get(key)];
    if (want === have) return [];
    const name = `${target.name}/${key}`;
    if (have === undefined) {
      if (want === undefined || !wrote(key, want)) return [];
      return [{ kind: "item", name, change: "removed", changes: valueChange(want, ""), edit: null }];
    }
    if (wrote(key, have)) return [];
    const change = want === undefined ? "added" : "changed";
    return [{ kind: "item", name, change, changes: valueChange(want ?? "", have), edit: null }];
  });
}

function valueChange(from: string, to: string): DriftEntry["changes"] {
  return [{ field: "value", from, to }];
}

function entryDrift(
  target: AclContent,
  { found, written }: { readonly found: AclContent; readonly written: ReadonlySet<string> },
): readonly DriftEntry[] {
  const wanted = new Map(target.entries.map((entry) => [describeRule(entry), entry]));
  const present = new Map(found.entries.map((entry) => [describeRule(entry), entry]));
  const wrote = (entry: AclRule): boolean => written.has(entryDigest(target.name, entry));
  return [...new Set([...wanted.keys(), ...present.keys()])].sort().flatMap((rule): readonly DriftEntry[] => {
    const [want, have] = [wanted.get(rule), present.get(rule)];
    if (want?.comment === have?.comment) return [];
    const name = `${target.name}/${rule}`;
    if (have === undefined) {
      if (want === undefined || !wrote(want)) return [];
      return [{ kind: "entry", name, change: "removed", changes: [], edit: null }];
    }
    if (wrote(have)) return [];
    const changes = want ? [{ field: "comment", from: want.comment, to: have.comment }] : [];
    return [{ kind: "entry", name, change: want ? "changed" : "added", changes, edit: null }];
  });
}
