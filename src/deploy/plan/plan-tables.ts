import type { FieldChange, TableStep } from "./deploy-plan.ts";
import { isOwnDictionary } from "../service/desired.ts";
import type { DesiredService } from "../service/desired.ts";
import type { PrivateItem } from "../service/tables.ts";
import type { LiveService } from "../live/live.ts";
import { describeRule } from "../service/service-content.ts";
import type {
  AclContent,
  AclRule,
  DictionaryContent,
  ServiceContent,
  TableItem,
} from "../service/service-content.ts";
import { digestMatches, digestOf } from "../live/state.ts";

/** Names of the dictionaries whose items only the edge reads. */
function privateDictionaries(items: readonly PrivateItem[]): readonly string[] {
  return [...new Set(items.map(({ dictionary }) => dictionary))];
}

/**
 * The items that a private dictionary's digest covers. A team's dictionary may hold one weak value: sitefleet's own
 * are in its digest too, so that guessing it means guessing the S3 secret.
 */
export function digestedItems(
  items: readonly PrivateItem[],
  dictionary: string,
): readonly Pick<PrivateItem, "key" | "value">[] {
  const own = items.filter((item) => isOwnDictionary(item.dictionary));
  if (isOwnDictionary(dictionary)) return own;
  const theirs = items.filter((item) => item.dictionary === dictionary);
  return [...own, ...theirs.map(({ key, value }) => ({ key: `${dictionary}/${key}`, value }))];
}

/** The writes beside versions: private items, items and entries. */
export function planTables(
  desired: Pick<DesiredService, "privateItems">,
  target: ServiceContent,
  live: LiveService | undefined,
): readonly TableStep[] {
  return [
    ...privateDictionaries(desired.privateItems).flatMap((name) =>
      privateStep(desired.privateItems, name, live),
    ),
    ...target.dictionaries.flatMap((one) => itemsStep(one, live)),
    ...target.acls.flatMap((one) => entriesStep(one, live)),
  ];
}

function privateStep(
  items: readonly PrivateItem[],
  dictionary: string,
  live: LiveService | undefined,
): readonly TableStep[] {
  const keys = items.filter((item) => item.dictionary === dictionary).map(({ key }) => key);
  const prefix = `item/${dictionary}/`;
  const remove = (live?.state.record.owned ?? [])
    .filter((entry) => entry.startsWith(prefix) && !keys.includes(entry.slice(prefix.length)))
    .map((entry) => entry.slice(prefix.length));
  const found = live?.active?.dictionaries.find(({ name }) => name === dictionary);
  const digest = live?.state.digests.get(dictionary);
  const isLive =
    found?.write_only === true && digestMatches(digest, digestedItems(items, dictionary), found.id);
  return isLive && remove.length === 0 ? [] : [{ do: "put-private-items", dictionary, keys, remove }];
}

function itemsStep(target: DictionaryContent, live: LiveService | undefined): readonly TableStep[] {
  if (target.items === undefined) return [];
  const found = live?.active?.content.dictionaries.find(({ name }) => name === target.name);
  // One that is write-only now is made anew, and a new one is empty.
  const present = new Map((found?.items ?? []).map(({ key, value }) => [key, value]));
  const put = target.items.filter(({ key, value }) => present.get(key) !== value);
  const wanted = new Set(target.items.map(({ key }) => key));
  const remove = [...present.keys()].filter((key) => !wanted.has(key)).sort();
  if (put.length === 0 && remove.length === 0) return [];
  const changes: readonly FieldChange[] = [
    ...put.map(({ key, value }) => ({ field: key, from: present.get(key) ?? "", to: value })),
    ...remove.map((key) => ({ field: key, from: present.get(key) ?? "", to: "" })),
  ];
  const seen = live?.active ? digestTable(itemLines(found?.items ?? [])) : null;
  return [{ do: "put-items", dictionary: target.name, put, remove, changes, seen }];
}

function entriesStep(target: AclContent, live: LiveService | undefined): readonly TableStep[] {
  const found = live?.active?.content.acls.find(({ name }) => name === target.name)?.entries ?? [];
  const present = new Map(found.map((entry) => [describeRule(entry), entry]));
  const wanted = new Map(target.entries.map((entry) => [describeRule(entry), entry]));
  const put = target.entries.filter((entry) => present.get(describeRule(entry))?.comment !== entry.comment);
  const remove = found.filter((entry) => wanted.get(describeRule(entry))?.comment !== entry.comment);
  if (put.length === 0 && remove.length === 0) return [];
  // The rule is all that removing needs; a comment made by hand could say anything.
  const bare = remove.map((entry) => ({ ...entry, comment: "" }));
  const seen = live?.active ? digestTable(entryLines(found)) : null;
  return [{ do: "put-entries", acl: target.name, put, remove: bare, seen }];
}

/** A dictionary's items as lines for `digestTable`. */
export function itemLines(items: readonly TableItem[]): readonly string[] {
  return items.map(({ key, value }) => JSON.stringify([key, value]));
}

/** An ACL's entries as lines for `digestTable`. */
export function entryLines(entries: readonly AclRule[]): readonly string[] {
  return entries.map((entry) => JSON.stringify([describeRule(entry), entry.comment]));
}

/** By it an apply knows whether a table is still as it was planned against. */
export function digestTable(lines: readonly string[]): string {
  return digestOf("table", ...[...lines].sort());
}
