import { RULE_SLOTS } from "./metadata.ts";
import { encodePath } from "./page-key.ts";
import type { RedirectRule } from "./redirect-rule.ts";
import { PatternTable, covers, overlaps } from "./redirect-resolver.ts";
import type { PatternEntry } from "./redirect-resolver.ts";
import { matchesPath, pathSegments } from "./rule-slots.ts";
import type { SlotRule } from "./rule-slots.ts";

/** Something about the rule at `index`; `other` is the rule that it meets. */
export interface PatternNote {
  readonly index: number;
  readonly other: number | undefined;
  readonly kind: "covered" | "overtaken" | "too-many";
}

export interface ReadPatterns {
  readonly entries: readonly PatternEntry[];
  readonly notes: readonly PatternNote[];
}

/**
 * Takes the patterns out of a list of rules, without those that an earlier one covers and those for which there can be
 * no slot, so that what follows compares each path with a bounded number of patterns.
 *
 * @param input.limit slots in all, where there are no buckets
 */
export function readPatterns(rules: readonly RedirectRule[], limit: number | undefined): ReadPatterns {
  const table = new PatternTable();
  const entries: PatternEntry[] = [];
  const notes: PatternNote[] = [];
  for (const [index, rule] of rules.entries()) {
    if (rule.kind !== "pattern") continue;
    const covering = rule.slots.map((slot) => coveringEntry(table, slot));
    const kept = rule.slots.filter((_, at) => covering[at] === undefined);
    if (kept.length === 0) notes.push({ index, other: covering[0]?.index, kind: "covered" });
    const fits = kept.every(
      (slot) =>
        entries.length + kept.length <= (limit ?? Infinity) &&
        table.beside(slot, "bucket").length + kept.length <= RULE_SLOTS.length,
    );
    if (!fits) {
      notes.push({ index, other: undefined, kind: "too-many" });
      continue;
    }
    for (const slot of kept) {
      const entry = { index, rule, slot };
      table.add(entry);
      entries.push(entry);
    }
  }
  return { entries, notes };
}

function coveringEntry(table: PatternTable, slot: SlotRule): PatternEntry | undefined {
  return table
    .beside(slot, "bucket")
    .find((known) => (known.slot.forced || !slot.forced) && covers(known.slot, slot));
}

/**
 * Forced patterns are tried before the page is looked up and the others after, so a pattern that is not forced but
 * stands before a forced one for some of the same paths would be overtaken. Where none of the site's files is in its
 * way it can be forced too, which keeps the order; where one is, a note says so.
 */
export function keepOrder(
  entries: readonly PatternEntry[],
  files: ReadonlySet<string>,
): {
  readonly table: PatternTable;
  readonly entries: readonly PatternEntry[];
  readonly notes: readonly PatternNote[];
} {
  let pages: PagePaths | undefined;
  const later = new PatternTable();
  const notes: PatternNote[] = [];
  const kept: PatternEntry[] = [];
  for (const entry of entries.toReversed()) {
    const forced = entry.slot.forced ? undefined : firstForced(later, entry.slot);
    const isPromoted = forced !== undefined && !(pages ??= new PagePaths(files)).some(entry.slot);
    if (forced !== undefined && !isPromoted) {
      notes.push({ index: entry.index, other: forced.index, kind: "overtaken" });
    }
    const placed = isPromoted ? { ...entry, slot: { ...entry.slot, forced: true } } : entry;
    later.add(placed);
    kept.push(placed);
  }
  const table = new PatternTable();
  for (const entry of kept.reverse()) table.add(entry);
  return { table, entries: kept, notes: notes.reverse() };
}

function firstForced(later: PatternTable, slot: SlotRule): PatternEntry | undefined {
  return later.beside(slot, "any").find((other) => other.slot.forced && overlaps(slot, other.slot));
}

/** The paths of pages and files, by their first segment. */
class PagePaths {
  readonly #byFirst = new Map<string, string[]>();

  constructor(files: ReadonlySet<string>) {
    for (const key of files) {
      const stem = key.endsWith(".html") ? key.slice(0, -".html".length) : key;
      for (const path of new Set([stem === "index" ? "/" : encodePath(`/${stem}`), encodePath(`/${key}`)])) {
        const first = pathSegments(path)[0] ?? "";
        const known = this.#byFirst.get(first);
        if (known) known.push(path);
        else this.#byFirst.set(first, [path]);
      }
    }
  }

  /** Whether a pattern matches the path of some file. */
  some(slot: SlotRule): boolean {
    const [first] = slot.segments;
    const lists = typeof first === "string" ? [this.#byFirst.get(first) ?? []] : [...this.#byFirst.values()];
    return lists.some((paths) => paths.some((path) => matchesPath(slot, path)));
  }
}
