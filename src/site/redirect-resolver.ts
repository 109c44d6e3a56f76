import { decodePath, encodePath, pageKey } from "./page-key.ts";
import type { PatternRule, RedirectRule } from "./redirect-rule.ts";
import {
  isFallback,
  isPageStatus,
  matchRule,
  matchesPath,
  pathSegments,
  redirectLocation,
} from "./rule-slots.ts";
import type { SlotRule } from "./rule-slots.ts";

/** A pattern that is tried, with the place of its rule among all rules. */
export interface PatternEntry {
  readonly index: number;
  readonly rule: PatternRule;
  readonly slot: SlotRule;
}

/** A page asked for, with the key that its path has. */
export interface Asked {
  /** Encoded path. */
  readonly path: string;
  /** Page key, decoded. */
  readonly key: string;
  readonly query: string;
}

/** The rule that answers, and where it leads; no `location` when it shows a page in place. */
export interface Winner {
  readonly index: number;
  readonly location: string | undefined;
  /** Whether the answer depends on the query. */
  readonly conditional: boolean;
}

/**
 * Answers which rule wins for a path, by the order of the rules: the first that matches, where a rule that is not forced
 * loses to a file. Immutable once made; patterns are found by their first segment.
 */
export class Resolver {
  readonly #rules: readonly RedirectRule[];
  readonly #files: ReadonlySet<string>;
  readonly #exact = new Map<string, number[]>();
  readonly #patterns: PatternTable;

  constructor(
    rules: readonly RedirectRule[],
    context: { readonly files: ReadonlySet<string>; readonly patterns: PatternTable },
  ) {
    this.#rules = rules;
    this.#files = context.files;
    this.#patterns = context.patterns;
    for (const [index, rule] of rules.entries()) {
      if (rule.kind === "exact") for (const key of rule.keys) this.#addExact(key, index);
    }
  }

  #addExact(key: string, index: number): void {
    const known = this.#exact.get(key);
    if (known) known.push(index);
    else this.#exact.set(key, [index]);
  }

  /** The rule that answers, or `undefined` when a file or nothing does. */
  winner(asked: Asked): Winner | undefined {
    const isFile = this.#files.has(asked.key);
    const exact = (this.#exact.get(asked.key) ?? []).find((index) => !isFile || this.#isForced(index));
    for (const { index, slot } of this.#patterns.for(asked.path)) {
      if (exact !== undefined && exact < index) break;
      if (isFile && !slot.forced) continue;
      const match = matchRule([slot], asked, { forced: slot.forced });
      if (match === undefined) continue;
      const location = match.kind === "redirect" ? redirectLocation(match) : undefined;
      return { index, location, conditional: slot.query.length > 0 };
    }
    return exact === undefined ? undefined : this.#exactWinner(exact, asked);
  }

  #exactWinner(index: number, { query }: Asked): Winner | undefined {
    const rule = this.#rules[index];
    if (rule?.kind !== "exact") return undefined;
    const location = redirectLocation({ location: rule.target, query });
    return { index, location: isPageStatus(rule.status) ? undefined : location, conditional: false };
  }

  #isForced(index: number): boolean {
    const rule = this.#rules[index];
    return rule?.kind === "exact" && rule.forced;
  }

  /** The first pattern of which `test` is true among those that match a path, whatever the query. */
  pattern(path: string, test: (entry: PatternEntry) => boolean): PatternEntry | undefined {
    return this.#patterns.for(path).find((entry) => test(entry) && matchesPath(entry.slot, path));
  }
}

/** Patterns in their order, by the first segment that they need. Only grows. */
export class PatternTable {
  readonly #byFirst = new Map<string, PatternEntry[]>();
  readonly #wide: PatternEntry[] = [];
  readonly #root: PatternEntry[] = [];
  readonly #merged = new Map<string, readonly PatternEntry[]>();

  add(entry: PatternEntry): void {
    const [first] = entry.slot.segments;
    if (first === undefined) this.#root.push(entry);
    if (first === null || (first === undefined && entry.slot.splat)) this.#wide.push(entry);
    if (typeof first === "string") {
      const list = this.#byFirst.get(first);
      if (list) list.push(entry);
      else this.#byFirst.set(first, [entry]);
      this.#merged.delete(first);
    } else {
      this.#merged.clear();
    }
  }

  /** Every pattern that can match an encoded path, in order. */
  for(path: string): readonly PatternEntry[] {
    const [first] = pathSegments(path);
    return first === undefined ? this.#root : this.below(first);
  }

  /** Every pattern that can match below a first segment, in order. */
  below(first: string): readonly PatternEntry[] {
    const own = this.#byFirst.get(first);
    if (own === undefined) return this.#wide;
    const known = this.#merged.get(first);
    if (known) return known;
    const merged = [...own, ...this.#wide].sort((a, b) => a.index - b.index);
    this.#merged.set(first, merged);
    return merged;
  }

  /**
   * The patterns that meet this one, in order. `bucket`: those that share a table of rules with it at the edge; `any`:
   * all that can match a path that it matches.
   */
  beside(slot: SlotRule, which: "bucket" | "any"): readonly PatternEntry[] {
    const [first] = slot.segments;
    if (typeof first === "string") return this.below(first);
    if (first === undefined && !slot.splat && which === "any") return this.#root;
    const root = this.#root.filter((entry) => !entry.slot.splat);
    const own = which === "any" ? [...this.#byFirst.values()].flat() : [];
    return [...root, ...this.#wide, ...own].sort((a, b) => a.index - b.index);
  }
}

/** Whether every request that `narrow` matches is one that `wide` matches. */
export function covers(wide: SlotRule, narrow: SlotRule): boolean {
  const sameLength = wide.segments.length === narrow.segments.length;
  const fits = wide.splat ? wide.segments.length <= narrow.segments.length : !narrow.splat && sameLength;
  if (
    !fits ||
    !wide.segments.every((segment, index) => segment === null || segment === narrow.segments[index])
  )
    return false;
  // A fallback does not match what looks like a file, and a page rule not every value of a query.
  if (isFallback(wide) && !isFallback(narrow)) return false;
  if (isPageStatus(wide.status) && wide.query.some(({ value }) => value === null)) return false;
  return wide.query.every(({ name, value }) =>
    narrow.query.some(
      (other) => other.name === name && (value === null ? other.value !== "" : other.value === value),
    ),
  );
}

/** Whether some path matches both patterns. */
export function overlaps(one: SlotRule, other: SlotRule): boolean {
  const shared = Math.min(one.segments.length, other.segments.length);
  for (let at = 0; at < shared; at += 1) {
    const [a, b] = [one.segments[at], other.segments[at]];
    if (a !== null && b !== null && a !== b) return false;
  }
  if (one.segments.length === other.segments.length) return true;
  return one.segments.length < other.segments.length ? one.splat : other.splat;
}

/** The place on the same host that a location leads to, or `undefined` for another host. */
export function localPlace(location: string): Asked | undefined {
  if (!location.startsWith("/")) return undefined;
  const decoded = decodePath(location.replace(/[?#].*$/s, ""));
  if (decoded.kind === "refused") return undefined;
  const path = decoded.path.normalize("NFC");
  const query = /^[^?#]*\?([^#]*)/s.exec(location)?.[1] ?? "";
  return { path: encodePath(path), key: pageKey(path), query };
}
