import { METADATA_BUDGET, RULE_SLOTS } from "./metadata.ts";
import { metadataProblem, redirectMetadata } from "./object-metadata.ts";
import { decodePath, pageKey } from "./page-key.ts";
import type { Sha256Hex } from "./page-key.ts";
import { followCourse, sampleStart } from "./redirect-course.ts";
import type { Course, Start } from "./redirect-course.ts";
import { keepOrder, readPatterns } from "./redirect-patterns.ts";
import type { PatternNote } from "./redirect-patterns.ts";
import { Resolver } from "./redirect-resolver.ts";
import type { PatternEntry } from "./redirect-resolver.ts";
import { SITE_RULES } from "./redirect-rule.ts";
import type { ExactRule, RedirectRule } from "./redirect-rule.ts";
import type { RuleNote } from "./redirects-file.ts";
import { planRuleTables } from "./rule-buckets.ts";
import type { PlacedRule } from "./rule-buckets.ts";
import { isPageRule, isPageStatus, slotRuleProblem } from "./rule-slots.ts";
import type { PageStatus, RedirectStatus, RuleStatus } from "./rule-slots.ts";

/** A redirect that becomes an object of the release. */
export interface RedirectObject {
  /** Page key, decoded. */
  readonly key: string;
  readonly location: string;
  readonly status: RedirectStatus;
  /** The rule's text: the object's body. */
  readonly text: string;
}

/** A page that is shown at another path too: an object with the content of `file` and no canonical path. */
export interface AliasObject {
  readonly kind: "page";
  /** Page key, decoded. */
  readonly key: string;
  /** Page key (decoded) of the file whose content it has. */
  readonly file: string;
  readonly status: PageStatus;
  readonly text: string;
}

/** Whether a file wins over a rule that is not forced, or every rule is forced. */
export const PRECEDENCES = ["file-first", "rule-first"] as const;
export type Precedence = (typeof PRECEDENCES)[number];

/** What the rules of a site become, given the pages it has. */
export interface RedirectPlan {
  readonly objects: readonly RedirectObject[];
  readonly aliases: readonly AliasObject[];
  /** Rules for the config's slots, in the order in which they are tried. */
  readonly slots: readonly PlacedRule[];
  /** Rules for bucket objects, by the hash of a first path segment. */
  readonly buckets: ReadonlyMap<string, readonly PlacedRule[]>;
  readonly warnings: readonly RuleNote[];
  readonly problems: readonly RuleNote[];
}

/** What slots and the list of buckets may take where the caller does not know better: the rest is for the other fields. */
export const DEFAULT_RULE_ROOM = METADATA_BUDGET - 500;

export interface RedirectPlanInput {
  readonly rules: readonly RedirectRule[];
  /** Page keys (decoded) that the release's files have. */
  readonly files: ReadonlySet<string>;
  readonly precedence?: Precedence;
  /** Bytes of a config that slots and the list of buckets may take together. */
  readonly room?: number;
  /** Without it there are no buckets. */
  readonly sha256Hex?: Sha256Hex;
}

/**
 * Decides which rule wins for each path and where it has to stand for the edge to come to the same answer. Order: the
 * first rule that matches wins; a rule that is not forced loses to a file; forced patterns are tried before the page is
 * looked up, the other patterns after a miss. A rule that is a problem is in no other list.
 */
export function planRedirects(input: RedirectPlanInput): RedirectPlan {
  const rules = input.precedence === "rule-first" ? input.rules.map(forcedRule) : input.rules;
  const read = readPatterns(rules, input.sha256Hex === undefined ? RULE_SLOTS.length : undefined);
  const ordered = keepOrder(read.entries, input.files);
  const resolver = new Resolver(rules, { files: input.files, patterns: ordered.table });
  const planner = new Planner(rules, { files: input.files, resolver, entries: ordered.entries });
  const draft = planner.plan();
  const tables = planRuleTables({
    rules: draft.slots,
    room: input.room ?? DEFAULT_RULE_ROOM,
    sha256Hex: input.sha256Hex,
  });
  const found = [...read.notes, ...ordered.notes];
  const tooMany = found.filter(({ kind }) => kind === "too-many");
  const odd = found.filter(({ kind }) => kind !== "too-many");
  return {
    ...draft,
    slots: tables.slots,
    buckets: tables.buckets,
    warnings: inOrder(rules, [...patternNotes(rules, odd), ...draft.warnings]),
    problems: inOrder(rules, [...patternNotes(rules, tooMany), ...draft.problems, ...tables.problems]),
  };
}

function forcedRule(rule: RedirectRule): RedirectRule {
  if (rule.kind === "exact") return { ...rule, forced: true };
  return { ...rule, slots: rule.slots.map((slot) => ({ ...slot, forced: true })) };
}

function note(rule: RedirectRule, reason: string): RuleNote {
  return { source: rule.source, text: rule.text, reason };
}

function inOrder(rules: readonly RedirectRule[], notes: readonly RuleNote[]): readonly RuleNote[] {
  const order = new Map(rules.map(({ source }, index) => [source, index]));
  const place = ({ source }: RuleNote): number => order.get(source) ?? rules.length;
  return [...notes].sort((a, b) => place(a) - place(b));
}

function lineOf(rule: RedirectRule | undefined): string {
  return rule ? `line ${rule.source.line} of ${rule.source.file} ("${rule.text}")` : "another rule";
}

function patternNotes(rules: readonly RedirectRule[], notes: readonly PatternNote[]): readonly RuleNote[] {
  return notes.flatMap(({ index, other, kind }) => {
    const rule = rules[index];
    if (rule === undefined) return [];
    const line = lineOf(other === undefined ? undefined : rules[other]);
    const reasons = {
      covered: `never applies: ${line} comes first`,
      overtaken: `is tried after ${line}, which is forced; forced rules are tried before the page is looked up`,
      "too-many": `is one too many of the rules that are tried for the same paths; ${RULE_SLOTS.length} is the most`,
    };
    return [note(rule, reasons[kind])];
  });
}

type Place =
  | { readonly kind: "objects"; readonly objects: readonly RedirectObject[] }
  | { readonly kind: "aliases"; readonly aliases: readonly AliasObject[] }
  | { readonly kind: "slots"; readonly slots: readonly PlacedRule[] }
  | { readonly kind: "nothing" }
  | { readonly kind: "shadowed"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

interface Draft {
  readonly objects: RedirectObject[];
  readonly aliases: AliasObject[];
  readonly slots: PlacedRule[];
  readonly warnings: RuleNote[];
  readonly problems: RuleNote[];
}

/** Places every rule. Used once. */
class Planner {
  readonly #rules: readonly RedirectRule[];
  readonly #files: ReadonlySet<string>;
  readonly #resolver: Resolver;
  readonly #entries = new Map<number, PatternEntry[]>();
  /** Rules that take the place of a file, by its key. */
  readonly #replaced = new Map<string, number>();
  readonly #draft: Draft = { objects: [], aliases: [], slots: [], warnings: [], problems: [] };

  constructor(
    rules: readonly RedirectRule[],
    context: {
      readonly files: ReadonlySet<string>;
      readonly resolver: Resolver;
      readonly entries: readonly PatternEntry[];
    },
  ) {
    this.#rules = rules;
    this.#files = context.files;
    this.#resolver = context.resolver;
    for (const entry of context.entries) {
      this.#entries.set(entry.index, [...(this.#entries.get(entry.index) ?? []), entry]);
    }
  }

  plan(): Draft {
    const placed = this.#rules.map((rule, index) => ({ rule, index, place: this.#place(rule, index) }));
    for (const { index, place } of placed) {
      if (place.kind === "objects") for (const { key } of place.objects) this.#replaced.set(key, index);
      if (place.kind === "aliases") for (const { key } of place.aliases) this.#replaced.set(key, index);
    }
    for (const { rule, index, place } of placed) this.#accept(rule, index, place);
    return this.#draft;
  }

  #accept(rule: RedirectRule, index: number, place: Place): void {
    const { objects, aliases, slots, warnings, problems } = this.#draft;
    if (place.kind === "shadowed") warnings.push(note(rule, place.reason));
    if (place.kind === "refused") problems.push(note(rule, place.reason));
    if (place.kind === "shadowed" || place.kind === "refused" || place.kind === "nothing") return;
    const missing = this.#pageProblem(rule, place);
    const course = this.#follow(rule, index);
    if (course.kind === "chain") {
      const by = lineOf(this.#rules[course.through]);
      warnings.push(note(rule, `leads to a path that ${by} redirects again; it ends at ${course.end}`));
    }
    const problem = missing ?? (course.kind === "loop" ? this.#loopReason(course) : undefined);
    if (problem !== undefined) {
      problems.push(note(rule, problem));
      return;
    }
    if (place.kind === "objects") objects.push(...place.objects);
    if (place.kind === "aliases") aliases.push(...place.aliases);
    if (place.kind === "slots") slots.push(...place.slots);
  }

  #loopReason(course: Extract<Course, { readonly kind: "loop" }>): string {
    if (course.through === undefined) return course.reason;
    return `${course.reason} ${lineOf(this.#rules[course.through])}`;
  }

  #place(rule: RedirectRule, index: number): Place {
    if (rule.kind === "exact") return this.#placeExact(rule, index);
    const entries = this.#entries.get(index) ?? [];
    const { source, text } = rule;
    // A pattern without entries is covered by another, of which the caller has a note.
    return entries.length === 0
      ? { kind: "nothing" }
      : { kind: "slots", slots: entries.map(({ slot }) => ({ rule: slot, source, text })) };
  }

  #placeExact(rule: ExactRule, index: number): Place {
    const reasons: string[] = [];
    const keys = rule.keys.filter((key) => {
      const winner = this.#resolver.winner({ path: rule.path, key, query: "" });
      if (winner?.index === index) return true;
      const isBefore = winner && `never applies: ${lineOf(this.#rules[winner.index])} comes first`;
      reasons.push(isBefore ?? fileWins(key));
      return false;
    });
    if (keys.length === 0) return { kind: "shadowed", reason: reasons[0] ?? "never applies" };
    // One that is written earlier is tried before an object anyway; forced too, this rule would overtake others in between.
    const forced = this.#resolver.pattern(rule.path, (entry) => entry.slot.forced && entry.index > index);
    if (forced) return this.#slotsFor(rule, { forced: true, when: `before ${lineOf(forced.rule)}` });
    const hasFile = keys.some((key) => this.#files.has(key));
    // An object would take the file's place in the release, and removing the rule could not bring the file back.
    if (rule.source.file === SITE_RULES && hasFile) {
      return this.#slotsFor(rule, { forced: true, when: "before its page" });
    }
    // An object would be found before the rule that asks for a query; behind it in the slots it is tried after.
    const earlier = hasFile
      ? undefined
      : this.#resolver.pattern(rule.path, (entry) => entry.index < index && entry.slot.query.length > 0);
    if (earlier) return this.#slotsFor(rule, { forced: false, when: `after ${lineOf(earlier.rule)}` });
    return this.#objectsFor(rule, keys);
  }

  /** The rule as a pattern, for where an object would be looked up too early or too late. */
  #slotsFor(rule: ExactRule, how: { readonly forced: boolean; readonly when: string }): Place {
    const { source, text, status, target } = rule;
    const slots: PlacedRule[] = [];
    for (const path of rule.spellings) {
      const segments = path.split("/").filter((segment) => segment !== "");
      const slot = { forced: how.forced, status, segments, splat: false, query: [], target };
      const problem = slotRuleProblem(slot);
      if (problem !== undefined) {
        return { kind: "refused", reason: `must be tried ${how.when}, but as a pattern it ${problem}` };
      }
      slots.push({ rule: slot, source, text });
    }
    return { kind: "slots", slots };
  }

  #objectsFor(rule: ExactRule, keys: readonly string[]): Place {
    const { target, status, text } = rule;
    if (isPageStatus(status)) {
      const file = keyOf(target);
      const others = keys.filter((key) => key !== file || status !== 200);
      if (others.length === 0 && this.#files.has(file)) return { kind: "nothing" };
      return { kind: "aliases", aliases: keys.map((key) => ({ kind: "page", key, file, status, text })) };
    }
    const problem = metadataProblem(redirectMetadata({ location: target, status }));
    if (problem !== undefined) return { kind: "refused", reason: `has metadata that ${problem}` };
    return { kind: "objects", objects: keys.map((key) => ({ key, location: target, status, text })) };
  }

  /** Why the page that a rule shows cannot be shown. A target with placeholders is looked up when it is asked for. */
  #pageProblem(rule: RedirectRule, place: Place): string | undefined {
    const shown = shownPage(rule);
    if (shown === undefined) return undefined;
    const key = keyOf(shown.target);
    if (!this.#files.has(key)) {
      return `shows the page "${key}" with status ${shown.status}, which the site does not have`;
    }
    const replaced = this.#replaced.get(key);
    const isOwn = place.kind === "aliases" && place.aliases.some((alias) => alias.key === key);
    return replaced === undefined || isOwn
      ? undefined
      : `shows the page "${key}", whose place ${lineOf(this.#rules[replaced])} takes`;
  }

  #follow(rule: RedirectRule, index: number): Course {
    const starts = rule.kind === "exact" ? exactStart(rule) : this.#patternStarts(index);
    for (const start of starts) {
      const course = followCourse(this.#resolver, start, index);
      if (course.kind !== "ends") return course;
    }
    return { kind: "ends" };
  }

  #patternStarts(index: number): readonly Start[] {
    return (this.#entries.get(index) ?? []).flatMap(({ slot }) => sampleStart(slot) ?? []);
  }
}

function exactStart(rule: ExactRule): readonly Start[] {
  if (isPageStatus(rule.status)) return [];
  const asked = { path: rule.path, key: rule.keys[0] ?? rule.path, query: "" };
  return [{ asked, location: rule.target, conditional: false }];
}

function shownPage(rule: RedirectRule): { readonly target: string; readonly status: RuleStatus } | undefined {
  const shown = rule.kind === "exact" ? rule : rule.slots[0];
  return shown !== undefined && isPageRule(shown) && !shown.target.includes("{") ? shown : undefined;
}

/** Page key (decoded) of a page rule's target. */
function keyOf(target: string): string {
  const decoded = decodePath(target);
  return pageKey(decoded.kind === "ok" ? decoded.path : target);
}

function fileWins(key: string): string {
  return `never applies: the page "${key}" exists (write the status with \`!\` to redirect all the same)`;
}
