import { RULE_SLOTS } from "../../src/site/metadata.ts";
import { matchRule, unpackRules } from "../../src/site/rule-slots.ts";
import { slotTexts } from "./metadata.ts";
import { redirect, withQuery } from "./redirect.ts";
import { showAs } from "./alias-pages.ts";
import type { SlotRule } from "../../src/site/rule-slots.ts";
import type { Answer, Decision, Visit } from "./visit.ts";

/**
 * The first rule of the config that matches: those with `!` before the page is looked up, the others after a miss. A redirect
 * is an answer; a page rule makes its page the path that is looked up, and the phase `rewrite`.
 */
export function tryRules(visit: Visit, wanted: { readonly forced: boolean }): Decision {
  if (visit.config.rules === undefined) return undefined;
  const rules = rulesFor(visit, wanted.forced);
  const match = matchRule(rules, { path: visit.path, query: visit.query.slice(1) }, wanted);
  if (match === undefined) return undefined;
  visit.query = match.query === "" ? "" : `?${match.query}`;
  visit.status = match.status;
  if (match.kind === "redirect") {
    return redirect(visit, { status: match.status, location: withQuery(match.location, visit) });
  }
  visit.asked = visit.path;
  visit.path = match.target;
  visit.phase = "rewrite";
  return undefined;
}

/** Rules of the wanted kind whose first segment may match, in the order of their slots; each that is malformed is none. */
function rulesFor(visit: Visit, forced: boolean): readonly SlotRule[] {
  const packed = visit.config.rules ?? "";
  // Every request asks for those with `!`, which few sites have.
  if (forced && !packed.includes("=!")) return [];
  const texts = slotTexts(packed.split("|"));
  const first = `${/^\/[^/]*/.exec(visit.path)?.[0] ?? "/"}/`;
  return RULE_SLOTS.split("").flatMap((slot) => {
    const text = texts.get(slot);
    if (text === undefined || text.startsWith("!") !== forced || !mayMatch(text, first)) return [];
    const unpacked = unpackRules(`${RULE_SLOTS.charAt(0)}=${text}`);
    return unpacked.kind === "ok" ? unpacked.rules : [];
  });
}

/** Spares the work of reading most rules of another part of the site. */
function mayMatch(text: string, first: string): boolean {
  const pattern = text.slice(text.indexOf(" ") + 1);
  const segment = `${/^\/[^/ ]*/.exec(pattern)?.[0] ?? "/"}/`;
  return segment === first || segment === "/:/" || segment === "/*/" || segment === "//";
}

/** The page of a rule with another status than 200: that status, and no condition or range of a visitor. */
export function showRuleStatus(visit: Visit, answer: Answer): void {
  if (visit.phase !== "rewrite" || visit.status === 200 || answer.status !== 200) return;
  answer.status = visit.status;
  showAs(answer.headers, visit.status);
}
