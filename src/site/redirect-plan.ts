import { metadataProblem, redirectMetadata } from "./object-metadata.ts";
import { RULE_SLOTS } from "./metadata.ts";
import { decodePath, encodePath, pageKey } from "./page-key.ts";
import { SITE_RULES } from "./redirect-rule.ts";
import type { ExactRule, RedirectRule, RuleSource } from "./redirect-rule.ts";
import type { RuleNote } from "./redirects-file.ts";
import { matchRule, matchesPath, patternText, slotRuleProblem } from "./rule-slots.ts";
import type { RedirectStatus, SlotRule } from "./rule-slots.ts";

/** A redirect that becomes an object of the release. */
export interface RedirectObject {
  /** Page key, decoded. */
  readonly key: string;
  readonly location: string;
  readonly status: RedirectStatus;
  /** The rule's text: the object's body. */
  readonly text: string;
}

/** What the rules of a site become, given the pages it has. */
export interface RedirectPlan {
  readonly objects: readonly RedirectObject[];
  /** At most as many as there are slots when there are no problems. */
  readonly slots: readonly { readonly rule: SlotRule; readonly source: RuleSource; readonly text: string }[];
  readonly warnings: readonly RuleNote[];
  readonly problems: readonly RuleNote[];
}

/** More hops than any browser follows. */
const HOP_LIMIT = 20;

/**
 * Decides which rule wins for each path and where it has to stand for the edge to come to the same answer. Order: the
 * first rule that matches wins; a rule that is not forced loses to a file; forced patterns are tried before the page is
 * looked up, the other patterns after a miss.
 *
 * @param input.files page keys (decoded) that the release's files have
 */
export function planRedirects(input: {
  readonly rules: readonly RedirectRule[];
  readonly files: ReadonlySet<string>;
}): RedirectPlan {
  const tooMany = patternOverLimit(input.rules);
  // Every path is compared with every pattern, so a list without end is refused before the work begins.
  if (tooMany) return { objects: [], slots: [], warnings: [], problems: [tooMany] };
  const resolver = new Resolver(input.rules, input.files);
  const objects: RedirectObject[] = [];
  const slots: { rule: SlotRule; source: RuleSource; text: string }[] = [];
  const warnings: RuleNote[] = [];
  const problems: RuleNote[] = [];
  for (const [index, rule] of input.rules.entries()) {
    const place = resolver.place(rule, index);
    if (place.kind === "object") objects.push(...place.objects);
    if (place.kind === "slot") slots.push({ rule: place.rule, source: rule.source, text: rule.text });
    if (place.kind === "refused") problems.push(note(rule, place.reason));
    if (place.kind === "shadowed") warnings.push(note(rule, place.reason));
    if (place.kind === "refused" || place.kind === "shadowed") continue;
    const course = resolver.follow(rule, index);
    if (course.kind === "loop") problems.push(note(rule, course.reason));
    if (course.kind === "chain") warnings.push(note(rule, course.reason));
  }
  const over = slots[RULE_SLOTS.length];
  if (over) problems.push({ source: over.source, text: over.text, reason: OVER_LIMIT });
  return { objects, slots, warnings, problems };
}

const OVER_LIMIT = `is number ${RULE_SLOTS.length + 1} of the rules that need a slot; a site has ${RULE_SLOTS.length}`;

function patternOverLimit(rules: readonly RedirectRule[]): RuleNote | undefined {
  const rule = rules.filter(({ kind }) => kind === "pattern")[RULE_SLOTS.length];
  return rule && note(rule, OVER_LIMIT);
}

function note(rule: RedirectRule, reason: string): RuleNote {
  return { source: rule.source, text: rule.text, reason };
}

type Place =
  | { readonly kind: "object"; readonly objects: readonly RedirectObject[] }
  | { readonly kind: "slot"; readonly rule: SlotRule }
  | { readonly kind: "shadowed"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

type Course =
  | { readonly kind: "ends" }
  | { readonly kind: "chain"; readonly reason: string }
  | { readonly kind: "loop"; readonly reason: string };

interface Winner {
  readonly index: number;
  readonly location: string;
}

/** Answers which rule wins for a path. Immutable once made. */
class Resolver {
  readonly #rules: readonly RedirectRule[];
  readonly #files: ReadonlySet<string>;
  readonly #exact = new Map<string, number[]>();
  readonly #patterns: readonly { readonly index: number; readonly slot: SlotRule }[];

  constructor(rules: readonly RedirectRule[], files: ReadonlySet<string>) {
    this.#rules = rules;
    this.#files = files;
    this.#patterns = rules.flatMap((rule, index) =>
      rule.kind === "pattern" ? [{ index, slot: rule.slot }] : [],
    );
    for (const [index, rule] of rules.entries()) {
      if (rule.kind === "exact") for (const key of rule.keys) this.#addExact(key, index);
    }
  }

  #addExact(key: string, index: number): void {
    const known = this.#exact.get(key);
    if (known) known.push(index);
    else this.#exact.set(key, [index]);
  }

  /** The rule that answers for an encoded path and its page key, or `undefined` when a file or nothing does. */
  #winner(path: string, key: string): Winner | undefined {
    const isFile = this.#files.has(key);
    const exact = (this.#exact.get(key) ?? []).find((index) => !isFile || this.#isForced(index));
    const pattern = this.#patterns.find(({ slot }) => (slot.forced || !isFile) && matchesPath(slot, path));
    if (exact !== undefined && (pattern === undefined || exact < pattern.index)) {
      const rule = this.#rules[exact];
      return rule?.kind === "exact" ? { index: exact, location: rule.target } : undefined;
    }
    if (pattern === undefined) return undefined;
    const match = matchRule([pattern.slot], { path, query: "" }, { forced: pattern.slot.forced });
    return match?.kind === "redirect" ? { index: pattern.index, location: match.location } : undefined;
  }

  #isForced(index: number): boolean {
    const rule = this.#rules[index];
    return rule?.kind === "exact" && rule.forced;
  }

  /** Where a rule has to stand. */
  place(rule: RedirectRule, index: number): Place {
    return rule.kind === "pattern" ? { kind: "slot", rule: rule.slot } : this.#placeExact(rule, index);
  }

  #placeExact(rule: ExactRule, index: number): Place {
    const reasons: string[] = [];
    const keys = rule.keys.filter((key) => {
      const winner = this.#winner(rule.path, key);
      if (winner?.index === index) return true;
      reasons.push(winner ? `never applies: ${this.#line(winner.index)} comes first` : this.#fileWins(key));
      return false;
    });
    if (keys.length === 0) return { kind: "shadowed", reason: reasons[0] ?? "never applies" };
    const forcedPattern = this.#patterns.find(({ slot }) => slot.forced && matchesPath(slot, rule.path));
    if (forcedPattern) return this.#slotFor(rule, `before ${this.#line(forcedPattern.index)}`);
    // An object would take the file's place in the release, and removing the rule could not bring the file back.
    if (rule.source.file === SITE_RULES && keys.some((key) => this.#files.has(key))) {
      return this.#slotFor(rule, "before its page");
    }
    const { target: location, status, text } = rule;
    const problem = metadataProblem(redirectMetadata({ location, status }));
    if (problem !== undefined) return { kind: "refused", reason: `has metadata that ${problem}` };
    return { kind: "object", objects: keys.map((key) => ({ key, location, status, text })) };
  }

  /** A forced pattern further down would be tried before the object is looked up, so the rule goes before it. */
  #slotFor(rule: ExactRule, when: string): Place {
    const segments = rule.path.split("/").filter((segment) => segment !== "");
    const slot = {
      forced: true,
      status: rule.status,
      segments,
      splat: false,
      query: [],
      target: rule.target,
    };
    const problem = slotRuleProblem(slot);
    if (problem === undefined) return { kind: "slot", rule: slot };
    const reason = `must be tried ${when}, but as a pattern it ${problem}`;
    return { kind: "refused", reason };
  }

  #fileWins(key: string): string {
    return `never applies: the page "${key}" exists (write the status with \`!\` to redirect all the same)`;
  }

  #line(index: number): string {
    const rule = this.#rules[index];
    return rule ? `line ${rule.source.line} of ${rule.source.file} ("${rule.text}")` : "another rule";
  }

  /** Follows a rule's target through the other rules, with made-up segments where it has placeholders. */
  follow(rule: RedirectRule, index: number): Course {
    let path = rule.kind === "exact" ? rule.path : samplePath(rule.slot);
    let location = rule.kind === "exact" ? rule.target : filledTarget(rule.slot, path);
    const seen = new Set([rule.kind === "exact" ? (rule.keys[0] ?? path) : pageKey(path)]);
    let chained: number | undefined;
    for (let hop = 0; hop < HOP_LIMIT; hop += 1) {
      const next = localPath(location);
      if (next === undefined) break;
      const { path: nextPath, key } = next;
      const winner = this.#winner(nextPath, key);
      if (winner === undefined) break;
      if (seen.has(key)) return { kind: "loop", reason: loopReason(hop, this.#line(winner.index)) };
      seen.add(key);
      chained ??= winner.index;
      path = nextPath;
      ({ location } = winner);
      if (hop === HOP_LIMIT - 1) return { kind: "loop", reason: `never ends: ${path} is redirected again` };
    }
    if (chained === undefined || chained === index) return { kind: "ends" };
    const reason = `leads to a path that ${this.#line(chained)} redirects again; it ends at ${location}`;
    return { kind: "chain", reason };
  }
}

function loopReason(hop: number, line: string): string {
  return hop === 0
    ? "leads back to its own page (a rule cannot add or remove a trailing slash or `.html`)"
    : `loops by way of ${line}`;
}

function samplePath(slot: SlotRule): string {
  const text = patternText(slot).replaceAll(/\/:(?=\/|$)/g, "/sample-segment");
  return text.replace(/\/\*$/, "/sample-rest");
}

function filledTarget(slot: SlotRule, path: string): string {
  const match = matchRule([slot], { path, query: "" }, { forced: slot.forced });
  return match?.kind === "redirect" ? match.location : slot.target;
}

/** The encoded path and decoded page key of a target on the same host, or `undefined` for another host. */
function localPath(location: string): { readonly path: string; readonly key: string } | undefined {
  if (!location.startsWith("/")) return undefined;
  const decoded = decodePath(location.replace(/[?#].*$/s, ""));
  if (decoded.kind === "refused") return undefined;
  const path = decoded.path.normalize("NFC");
  return { path: encodePath(path), key: pageKey(path) };
}
