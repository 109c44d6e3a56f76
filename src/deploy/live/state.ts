import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { PRIVATE_DICTIONARY } from "../../render/constants.ts";
import type { DeployRecord } from "../plan/deploy-plan.ts";
import type { PrivateItem } from "../service/tables.ts";
import type { TableItem } from "../service/service-content.ts";

const JOURNAL_STATES = ["activating", "verified", "failed", "interrupted"] as const;

/** How far the last change of the live version came; kept at Fastly, so that any machine can go on. */
export interface Journal {
  /** `failed` and `interrupted`: the former version was put back. */
  readonly state: (typeof JOURNAL_STATES)[number];
  readonly version: number;
  /** Last version known to be good: what is put back. */
  readonly former: number | null;
  /** Digest of what was written to the version (`digestContent`), by which it is known again when its comment was edited. */
  readonly content?: string | undefined;
}

/** Items of the state dictionary. */
export const STATE_KEYS = { digest: "private_digest", journal: "journal", record: "record" } as const;

export interface DeployState {
  /** `<salt>.<hash>` of the private items as they were last written, by dictionary. */
  readonly digests: ReadonlyMap<string, string>;
  readonly journal: Journal | undefined;
  readonly record: DeployRecord;
}

export const NO_RECORD: DeployRecord = { owned: [], written: [], adopted: [], former: [], kinds: [] };

/** Whether a version is one that the journal says was verified: the last one, or the one that was put back after it. */
export function isVerified({ journal }: DeployState, version: number): boolean {
  if (!journal || journal.state === "activating") return false;
  return (journal.state === "verified" ? journal.version : journal.former) === version;
}

const journalSchema = z.strictObject({
  state: z.enum(JOURNAL_STATES),
  version: z.int().min(1),
  former: z.int().min(1).nullable(),
  content: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
});

const names = z.array(z.string().max(600)).max(20_000);
const recordSchema = z.strictObject({
  owned: names,
  written: names,
  adopted: names,
  former: names.default([]),
  kinds: names.default([]),
});

export function formatJournal(journal: Journal): string {
  const { state, version, former, content } = journal;
  return JSON.stringify({ state, version, former, content });
}

/** Name of the item with the digest of a private dictionary's items; our own dictionary's has no suffix. */
export function digestKey(dictionary: string): string {
  return dictionary === PRIVATE_DICTIONARY ? STATE_KEYS.digest : `${STATE_KEYS.digest}_${dictionary}`;
}

/** Below Fastly's 8,000 characters of an item (reference/api/dictionaries/dictionary-item). */
const CHUNK = 7_500;

/** The record as items: long ones go on in `record_2` and so on; the first says how many there are. */
export function formatRecord(record: DeployRecord): readonly TableItem[] {
  const { owned, written, adopted, former, kinds } = record;
  const text = JSON.stringify({ owned, written, adopted, former, kinds });
  const count = Math.max(1, Math.ceil(text.length / CHUNK));
  return Array.from({ length: count }, (_, index) => {
    const chunk = text.slice(index * CHUNK, (index + 1) * CHUNK);
    return index === 0
      ? { key: STATE_KEYS.record, value: `${count} ${chunk}` }
      : { key: `${STATE_KEYS.record}_${index + 1}`, value: chunk };
  });
}

/** Reads the state dictionary's items; what is not ours or not whole counts as absent. */
export function parseState(
  items: readonly { readonly item_key: string; readonly item_value: string }[],
): DeployState {
  const values = new Map(items.map((item) => [item.item_key, item.item_value]));
  const digests = [...values].flatMap(([key, value]): (readonly [string, string])[] => {
    if (key === STATE_KEYS.digest) return [[PRIVATE_DICTIONARY, value]];
    const prefix = `${STATE_KEYS.digest}_`;
    return key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [];
  });
  return {
    digests: new Map(digests),
    journal: journalSchema.safeParse(parseOrUndefined(values.get(STATE_KEYS.journal))).data,
    record: recordSchema.safeParse(parseOrUndefined(recordText(values))).data ?? NO_RECORD,
  };
}

function recordText(values: ReadonlyMap<string, string>): string | undefined {
  const [, count, first] = /^([1-9][0-9]{0,2}) (.*)$/s.exec(values.get(STATE_KEYS.record) ?? "") ?? [];
  if (count === undefined || first === undefined) return undefined;
  const rest = Array.from(
    { length: Number(count) - 1 },
    (_, index) => values.get(`${STATE_KEYS.record}_${index + 2}`) ?? "",
  );
  return [first, ...rest].join("");
}

function parseOrUndefined(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // edited by hand: the deploy goes on without it
  }
}

/** Both records in one: what holds while a deploy is under way. */
export function uniteRecords(before: DeployRecord, after: DeployRecord): DeployRecord {
  const unite = (a: readonly string[], b: readonly string[]): readonly string[] =>
    [...new Set([...a, ...b])].sort();
  return {
    owned: unite(before.owned, after.owned),
    written: unite(before.written, after.written),
    adopted: unite(before.adopted, after.adopted),
    former: unite(before.former, after.former),
    kinds: unite(before.kinds, after.kinds),
  };
}

/** Short digest of something public, such as an item: `parts` are what it is and what it says. */
export function digestOf(...parts: readonly string[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 10);
}

/**
 * Salted digest by which a later run knows whether the write-only items still hold these values. It covers all of a
 * dictionary's at once, so that a guess at one of ours has to name the S3 secret too, and the dictionary's id, because a
 * new dictionary is empty.
 */
export function digestItems(
  items: readonly Pick<PrivateItem, "key" | "value">[],
  salted: { readonly dictionaryId: string; readonly salt: string },
): string {
  const pairs = items
    .map(({ key, value }) => [key, value.reveal()])
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  const hash = createHash("sha256").update(JSON.stringify([salted.salt, salted.dictionaryId, pairs]));
  return `${salted.salt}.${hash.digest("hex")}`;
}

/** Whether a stored digest was made of exactly these items. */
export function digestMatches(
  digest: string | undefined,
  items: readonly Pick<PrivateItem, "key" | "value">[],
  dictionaryId: string,
): boolean {
  const salt = digest?.split(".", 1)[0];
  if (digest === undefined || salt === undefined) return false;
  const expected = Buffer.from(digestItems(items, { dictionaryId, salt }));
  const found = Buffer.from(digest);
  return expected.byteLength === found.byteLength && timingSafeEqual(expected, found);
}
