import { createHash, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import type { PrivateItem } from "./desired.ts";

/** How far the last change of the live version came; kept at Fastly, so that any machine can go on. */
export interface Journal {
  readonly state: "activating" | "verified" | "failed";
  readonly version: number;
  /** Last version known to be good: what is put back. */
  readonly former: number | null;
}

/** Items of the state dictionary. */
export const STATE_KEYS = { digest: "private_digest", journal: "journal" } as const;

export interface DeployState {
  /** `<salt>.<hash>` of the private items as they were last written. */
  readonly digest: string | undefined;
  readonly journal: Journal | undefined;
}

const journalSchema = z.strictObject({
  state: z.enum(["activating", "verified", "failed"]),
  version: z.int().min(1),
  former: z.int().min(1).nullable(),
});

export function formatJournal(journal: Journal): string {
  return JSON.stringify({ state: journal.state, version: journal.version, former: journal.former });
}

/** Reads the state dictionary's items; what is not ours or not whole counts as absent. */
export function parseState(
  items: readonly { readonly item_key: string; readonly item_value: string }[],
): DeployState {
  const find = (key: string): string | undefined => items.find((item) => item.item_key === key)?.item_value;
  return { digest: find(STATE_KEYS.digest), journal: parseJournal(find(STATE_KEYS.journal)) };
}

function parseJournal(text: string | undefined): Journal | undefined {
  if (text === undefined) return undefined;
  try {
    return journalSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // edited by hand: the deploy goes on without it
  }
}

/**
 * Salted digest by which a later run knows whether the write-only items still hold these values. It covers them all
 * at once, so that a guess has to name the S3 secret too, and the dictionary's id, because a new dictionary is empty.
 */
export function digestItems(
  items: readonly PrivateItem[],
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
  items: readonly PrivateItem[],
  dictionaryId: string,
): boolean {
  const salt = digest?.split(".", 1)[0];
  if (digest === undefined || salt === undefined) return false;
  const expected = Buffer.from(digestItems(items, { dictionaryId, salt }));
  const found = Buffer.from(digest);
  return expected.byteLength === found.byteLength && timingSafeEqual(expected, found);
}
